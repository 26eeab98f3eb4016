import type { ClientBase } from 'pg';
import { type AuditRecord, type Head, headOf } from './record.ts';
import { CHAINS } from './store.ts';

/** What stands in one place of a chain: a record, a checkpoint, or both. */
export type Place = { chain: string; sequence: number; record?: StoredRecord; checkpoint?: StoredCheckpoint };
export type StoredRecord = AuditRecord & { hash: Buffer };
export type StoredCheckpoint = Head & { micros: string; signature: Buffer };

/**
 * Every place of every chain in order, the oldest chain first, a few hundred rows at a time however many there are.
 * Inside a transaction, so that all is of one moment.
 */
export async function* readPlaces(client: ClientBase): AsyncGenerator<Place> {
  const records = rowsOf(client, 'audit_records', RECORDS, toRecord);
  const checkpoints = rowsOf(client, 'audit_checkpoints', CHECKPOINTS, toCheckpoint);
  let record = (await records.next()).value;
  let checkpoint = (await checkpoints.next()).value;
  while (record || checkpoint) {
    const order = compare(record, checkpoint);
    const { chain, sequence } = (order <= 0 ? record : checkpoint)!;
    yield {
      chain,
      sequence,
      record: order <= 0 ? record : undefined,
      checkpoint: order >= 0 ? checkpoint : undefined,
    };
    if (order <= 0) record = (await records.next()).value;
    if (order >= 0) checkpoint = (await checkpoints.next()).value;
  }
}

/** The ends of chains that the first records of others name. */
export async function readNamedHeads(client: ClientBase): Promise<Head[]> {
  const { rows } = await client.query<{ detail: string | null }>(
    `${CHAINS} select first.detail from chains c join audit_record first on first.chain = c.chain and first.sequence = 1`,
  );
  // What is no name here was altered, which its own record's hash shows.
  return rows
    .flatMap(({ detail }) => detail?.split(' ').map(headOf) ?? [])
    .filter((head) => head !== undefined);
}

type Position = { chain: string; sequence: number };

function compare(a: Position | undefined, b: Position | undefined) {
  if (!a || !b) return a ? -1 : 1;
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1;
  return a.sequence - b.sequence;
}

async function* rowsOf<T>(
  client: ClientBase,
  cursor: string,
  query: string,
  parse: (row: Row) => T,
): AsyncGenerator<T, undefined> {
  await client.query(`declare ${cursor} no scroll cursor for ${query}`);
  for (;;) {
    const { rows } = await client.query<Row>(`fetch 250 from ${cursor}`);
    for (const row of rows) yield parse(row);
    if (rows.length === 0) return undefined;
  }
}

/**
 * Everything in a form of its own that only one stored value has: a time to the microsecond, an array as the text
 * PostgreSQL gives it. An infinite time, which was never recorded, reads as null and so as altered.
 */
const MICROS = `case when isfinite(at) then (extract(epoch from at) * 1000000)::bigint::text end as micros`;
const RECORDS = `
  select chain, sequence::text, ${MICROS}, request_id, kind, interaction, outcome, status, client_id, connection_id,
         organisation_id, account_id, resource_type, resource_id, query, patients::text, count, bytes, address, detail,
         named::text, hash
    from audit_record order by chain, audit_record.sequence`;
const CHECKPOINTS = `
  select chain, sequence::text, ${MICROS}, hash, signature
    from audit_checkpoint order by chain, audit_checkpoint.sequence`;

// biome-ignore lint/suspicious/noExplicitAny: the columns are those of the two queries above
type Row = any;

function toRecord({ sequence, patients, named, ...row }: Row): StoredRecord {
  return {
    ...row,
    sequence: Number(sequence),
    patients: listOf(patients),
    named: listOf(named),
  };
}

const listOf = (text: string | null): string[] | null => text?.slice(1, -1).split(',') ?? null;

function toCheckpoint({ sequence, ...row }: Row): StoredCheckpoint {
  return { ...row, sequence: Number(sequence) };
}
