import type { ClientBase } from 'pg';
import type { AuditRecord, Head } from './record.ts';
import { uuidList } from './uuid-list.ts';

export type SealedRecord = AuditRecord & { hash: Buffer };

/**
 * The whole batch in one statement, so it is committed whole or not at all. One JSON parameter was as quick as an
 * array for each column (28,000 records/s in batches of 64) and quicker for a batch of one. The patients, of whom one
 * record may name thousands, are one list for all records, each of which takes its part of it.
 */
const INSERT_RECORDS = `
  insert into audit_record (
    chain, sequence, at, request_id, kind, interaction, outcome, status, client_id, connection_id, organisation_id,
    account_id, resource_type, resource_id, query, patients, count, bytes, address, detail, named,
    hash)
  select
    chain, sequence, at, request_id, kind, interaction, outcome, status, client_id, connection_id, organisation_id,
    account_id, resource_type, resource_id, query,
    case when patients_from is not null then ($2::uuid[])[patients_from:patients_to] end,
    count, bytes, address, detail, named,
    hash
  from json_to_recordset($1) as batch (
    chain uuid, sequence bigint, at timestamptz, request_id text, kind text, interaction text, outcome text,
    status smallint, client_id text, connection_id uuid, organisation_id uuid, account_id uuid, resource_type text,
    resource_id text, query text, patients_from integer, patients_to integer, count integer, bytes integer,
    address text, detail text, named text[], hash bytea)`;

export async function insertRecords(client: ClientBase, records: SealedRecord[]) {
  const all = records.flatMap(({ patients }) => patients ?? []);
  let before = 0;
  const rows = records.map(({ patients, ...record }) => {
    const patients_from = patients ? before + 1 : null;
    before += patients?.length ?? 0;
    return {
      ...record,
      patients_from,
      patients_to: patients ? before : null,
      at: new Date(Number(record.micros) / 1000).toISOString(),
      hash: `\\x${record.hash.toString('hex')}`,
      // As the text of an array, which is quicker to read than a JSON array: one record may name thousands.
      named: record.named && `{${record.named.join(',')}}`,
    };
  });
  const values = [JSON.stringify(rows), uuidList(all)];
  await client.query({ name: 'audit insert', text: INSERT_RECORDS, values });
}

export async function hashAt(
  client: ClientBase,
  chain: string,
  sequence: number,
): Promise<Buffer | undefined> {
  const { rows } = await client.query<{ hash: Buffer }>(
    'select hash from audit_record where chain = $1 and sequence = $2',
    [chain, sequence],
  );
  return rows[0]?.hash;
}

export async function insertCheckpoint(client: ClientBase, head: Head, at: Date, signature: Buffer) {
  await client.query({
    name: 'audit checkpoint',
    text: `insert into audit_checkpoint (chain, sequence, hash, at, signature) values ($1, $2, $3, $4, $5)
           on conflict do nothing`,
    values: [head.chain, head.sequence, head.hash, at, signature],
  });
}

/** Steps from chain to chain through the primary key: the cost is that of the chains, not of the records. */
export const CHAINS = `
  with recursive chains (chain) as (
    (select chain from audit_record order by chain limit 1)
    union all
    select (select r.chain from audit_record r where r.chain > c.chain order by r.chain limit 1)
      from chains c where c.chain is not null
  )`;

/** The last record of each chain, but for those that the first record of some other chain already names. */
const UNNAMED_HEADS = `${CHAINS}, named (head) as (
    select string_to_table(first.detail, ' ')
      from chains c join audit_record first on first.chain = c.chain and first.sequence = 1
  )
  select last.chain, last.sequence, last.hash
    from chains c
    cross join lateral (
      select r.chain, r.sequence, r.hash from audit_record r
       where r.chain = c.chain order by r.sequence desc limit 1) last
   where not exists (
      select from named where head = last.chain || ':' || last.sequence || ':' || encode(last.hash, 'hex'))
   order by last.chain`;

export async function unnamedHeads(client: ClientBase): Promise<Head[]> {
  const { rows } = await client.query<Head>(UNNAMED_HEADS);
  return rows.map((row) => ({ ...row, sequence: Number(row.sequence) }));
}

/** The primary key: these places in the chain are taken. */
export const isDuplicate = (error: unknown) => codeOf(error) === '23505';

/**
 * The server answered that the statement failed and lives on, so nothing of it was stored. The codes with which a
 * connection can also end (shutting down, out of connections, internal errors) leave that open and are not among them.
 */
export const isRefusal = (error: unknown) => REFUSALS.test(codeOf(error));
const REFUSALS = /^(22...|23...|25006|40001|40P01|42...|53[124]00|54...|55...|57014)$/;

const codeOf = (error: unknown) => String((error as { code?: unknown }).code);
