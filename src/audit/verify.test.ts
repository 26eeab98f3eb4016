import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { eventually } from '../../test/support/child.ts';
import { type TestDatabase, testDatabase, withDatabase } from '../../test/support/database.ts';
import type { AuditEntry } from './audit.ts';
import { readPlaces } from './read-chains.ts';
import { genesisOf, hashRecord } from './record.ts';
import { AUDIT_KEY, auditOf, collect, entryOf, verified } from './test-support.ts';
import { verifyAudit, verifyWithin } from './verify.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
  await unlock(db);
});
after(() => db.stop());

/** What someone with the owner's password can do first. */
async function unlock({ database }: TestDatabase) {
  await database.owner.query('alter table audit_record disable trigger user');
  await database.owner.query('alter table audit_checkpoint disable trigger user');
}

const text = fc.string({ unit: 'binary', maxLength: 30 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value);
const entries: fc.Arbitrary<AuditEntry[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('fhir' as const, 'token' as const, 'page' as const),
    interaction: text,
    outcome: text,
    status: fc.integer({ min: 100, max: 599 }),
    requestId: text,
    address: optional(text),
    clientId: optional(text),
    connectionId: optional(fc.uuid()),
    organisationId: optional(fc.uuid()),
    accountId: optional(fc.uuid()),
    resourceType: optional(text),
    resourceId: optional(text),
    query: optional(text),
    patients: optional(fc.array(fc.uuid(), { maxLength: 4 })),
    named: optional(fc.array(fc.stringMatching(/^#[\w-]{14}$/), { maxLength: 4 })),
    count: optional(fc.nat()),
    bytes: optional(fc.nat()),
    detail: optional(text),
    at: fc.date({ min: new Date(0), max: new Date('2199-12-31'), noInvalidDate: true }),
  }),
  { minLength: 2, maxLength: 12 },
);

/** Each changes row `i` of a chain, or trades it with row `j`: in SQL, as someone at the database would. */
const CHANGES: Record<string, string> = {
  'the time, by a microsecond': `update audit_record set at = at + interval '1 microsecond'`,
  'the time, for ever': `update audit_record set at = 'infinity'`,
  'the reference': `update audit_record set request_id = request_id || ' '`,
  'the kind': `update audit_record set kind = kind || 'x'`,
  'the interaction': `update audit_record set interaction = interaction || 'x'`,
  'the outcome': `update audit_record set outcome = outcome || 'x'`,
  'the status': 'update audit_record set status = status + 1',
  'the client': `update audit_record set client_id = case when client_id is null then '' end`,
  'the connection': `update audit_record set connection_id = case when connection_id is null then chain end`,
  'the organisation': `update audit_record set organisation_id = case when organisation_id is null then chain end`,
  'the account': `update audit_record set account_id = case when account_id is null then chain end`,
  'the type': `update audit_record set resource_type = coalesce(resource_type || 'x', '')`,
  'the resource': `update audit_record set resource_id = coalesce(resource_id || 'x', '')`,
  'the query': `update audit_record set query = coalesce(query || 'x', '')`,
  'a patient more': 'update audit_record set patients = patients || chain',
  'no patients instead of none named': `update audit_record set patients = coalesce(nullif('{}', patients), '{}')`,
  'the patients, nested': 'update audit_record set patients = array[array[chain]]',
  'a name more': `update audit_record set named = array_append(named, '#x')`,
  'no name instead of none': `update audit_record set named = coalesce(nullif('{}', named), '{}')`,
  'the names, nested': `update audit_record set named = '{{a},{b}}'`,
  'the count': 'update audit_record set count = case when count is null then 0 end',
  'the bytes': 'update audit_record set bytes = case when bytes is null then 0 end',
  'the address': `update audit_record set address = coalesce(address || 'x', '')`,
  'the detail': `update audit_record set detail = coalesce(detail || 'x', '')`,
  'the hash': `update audit_record set hash = sha256(hash)`,
  'an empty hash': `update audit_record set hash = ''`,
  'the chain': `update audit_record set chain = gen_random_uuid()`,
  'its place': 'update audit_record set sequence = -sequence',
  'all of it: removed': 'delete from audit_record',
};

for (const [what, change] of Object.entries(CHANGES)) {
  test(`random records verify, and do not with one of them changed: ${what}`, () =>
    fc.assert(
      fc.asyncProperty(entries, fc.nat(), async (given, at) => {
        const audit = auditOf(db);
        await Promise.all(given.map((entry) => audit.record(entry)));
        const { chain, sequence } = audit.health();
        await audit.close();
        const row = (at % (sequence + 1)) + 1; // the chain's first and last record among them
        assert.deepEqual(await brokenAfter(chain), []);
        const broken = await brokenAfter(chain, `${change} where chain = $1 and sequence = ${row}`);
        assert.ok(broken.includes(chain!), `record ${row}: unnoticed`);
      }),
      { numRuns: 3 },
    ));
}

test('any two records that trade places are noticed', async () => {
  const audit = auditOf(db);
  const same = entryOf(); // word for word the same, but for its place
  await Promise.all(Array.from({ length: 4 }, () => audit.record(same)));
  const { chain } = audit.health();
  await audit.close();
  for (let a = 1; a <= 6; a++) {
    for (let b = a + 1; b <= 6; b++) {
      const move = (from: number, to: number) =>
        `update audit_record set sequence = ${to} where chain = $1 and sequence = ${from}`;
      const broken = await brokenAfter(chain, move(a, 0), move(b, a), move(0, b));
      assert.deepEqual(broken, [chain], `records ${a} and ${b}`);
    }
  }
});

test('the report names the first record that is not as it was', () =>
  withDatabase(async (own) => {
    await unlock(own);
    const chain = await chainOf(own, 20);
    for (const [statement, at, reason] of [
      [`update audit_record set outcome = 'allowed, really' where sequence = 7`, 7, 'altered'],
      ['delete from audit_record where sequence = 5', 5, 'missing'],
      ['delete from audit_record where sequence >= 4', 4, 'truncated'],
      ['delete from audit_record', 1, 'truncated'],
    ] as const) {
      await own.database.owner.query(`create table kept as select * from audit_record`);
      await own.database.owner.query(statement);
      const [report] = await verified(own);
      assert.deepEqual([report?.chain, report?.broken], [chain, { at, reason }], statement);
      await own.database.owner.query(
        'delete from audit_record; insert into audit_record select * from kept; drop table kept',
      );
    }
    assert.equal((await verified(own))[0]?.broken, null);
  }));

test('records added to a chain that had ended are noticed, however well they are linked', () =>
  withDatabase(async (own) => {
    const chain = await chainOf(own, 3);
    await rewrite(own, chain, { after: 5, extra: true });
    assert.deepEqual((await verified(own))[0]?.broken, { at: 6, reason: 'added' });
  }));

test('an edit with every later hash made anew is noticed by the checkpoint, and no other can be signed', () =>
  withDatabase(async (own) => {
    await unlock(own);
    const chain = await chainOf(own, 10);
    await own.database.owner.query(`update audit_record set outcome = 'denied' where sequence = 4`);
    await rewrite(own, chain, { after: 3 });
    assert.deepEqual((await verified(own))[0]?.broken, { at: 12, reason: 'rewritten' });

    // The end's checkpoint is moved to the new hash: its signature no longer holds.
    await own.database.owner.query(
      `update audit_checkpoint c set hash = r.hash from audit_record r
        where r.chain = c.chain and r.sequence = c.sequence`,
    );
    assert.deepEqual((await verified(own))[0]?.broken, { at: 12, reason: 'forged' });
  }));

test('a whole chain rewritten, its checkpoints removed, is noticed by the lack of them', () =>
  withDatabase(async (own) => {
    await unlock(own);
    const chain = await chainOf(own, 5);
    await own.database.owner.query(`update audit_record set outcome = 'denied'`);
    await rewrite(own, chain, { after: 0 });
    await own.database.owner.query('delete from audit_checkpoint');
    assert.deepEqual((await verified(own))[0]?.broken, { at: 2, reason: 'unsigned' });
  }));

test('checkpoints come often enough that a missing one in the middle is noticed', () =>
  withDatabase(async (own) => {
    await unlock(own);
    await chainOf(own, 3000);
    const { rows } = await own.database.owner.query<{ sequence: number }>(
      'select sequence from audit_checkpoint order by sequence',
    );
    assert.ok(rows.length >= 4);
    await own.database.owner.query('delete from audit_checkpoint where sequence = $1', [rows[1]?.sequence]);
    assert.equal((await verified(own))[0]?.broken?.reason, 'unsigned');
  }));

for (const [which, index] of [
  ['the first of three', 0],
  ['one in the middle', 1],
] as const) {
  test(`a chain removed with its checkpoints, ${which}, is noticed, as a later one names it`, () =>
    withDatabase(async (own) => {
      await unlock(own);
      const chains = [await chainOf(own, 3), await chainOf(own, 3), await chainOf(own, 3)];
      await own.database.owner.query('delete from audit_record where chain = $1', [chains[index]]);
      await own.database.owner.query('delete from audit_checkpoint where chain = $1', [chains[index]]);
      const broken = (await verified(own)).filter((report) => report.broken);
      assert.deepEqual(
        broken.map((report) => [report.chain, report.records, report.broken?.reason]),
        [[chains[index], 0, 'truncated']],
      );
    }));
}

test('what the last chain lost with its checkpoints is noticed by what was kept elsewhere', () =>
  withDatabase(async (own) => {
    await unlock(own);
    const audit = auditOf(own);
    await audit.record(entryOf());
    await audit.record(entryOf());
    const { chain, sequence } = audit.health();
    await audit.close();
    const { rows } = await own.database.owner.query<{ hash: Buffer }>(
      'select hash from audit_record where sequence = $1',
      [sequence],
    );
    const witness = { chain: chain!, sequence, hash: rows[0]!.hash };
    assert.equal((await verified(own, [witness]))[0]?.broken, null);
    await own.database.owner.query('delete from audit_record where sequence >= $1', [sequence]);
    await own.database.owner.query('delete from audit_checkpoint where sequence >= $1', [sequence]);
    assert.equal((await verified(own))[0]?.broken, null, 'nothing stored says so');
    assert.deepEqual((await verified(own, [witness]))[0]?.broken, { at: sequence, reason: 'truncated' });
  }));

test('a chain that goes on, or was cut short by a kill, is whole, and says what no checkpoint covers yet', () =>
  withDatabase(async (own) => {
    const audit = auditOf(own);
    for (const _ of [1, 2, 3]) await audit.record(entryOf());
    const [report] = await verified(own);
    assert.deepEqual([report?.records, report?.unsigned, report?.broken], [4, 3, null]);
    await audit.close();
  }));

test('a chain that has gone quiet is signed without waiting for more', () =>
  withDatabase(async (own) => {
    const audit = auditOf(own, { limits: { checkpointMsMax: 10 } });
    await audit.record(entryOf());
    await eventually(async () => (await verified(own))[0]?.unsigned === 0);
    await audit.close();
  }));

test('another key finds every checkpoint forged', () =>
  withDatabase(async (own) => {
    await chainOf(own, 1);
    const client = await own.database.owner.connect();
    const reports = await collect(verifyAudit(client, Buffer.alloc(32, 'another')));
    client.release();
    assert.deepEqual(reports[0]?.broken, { at: 1, reason: 'forged' });
  }));

test('several processes at once have a chain each, and each new one names the ends of the others once', () =>
  withDatabase(async (own) => {
    const audits = [auditOf(own), auditOf(own), auditOf(own)];
    await Promise.all(audits.flatMap((audit) => [audit.record(entryOf()), audit.record(entryOf())]));
    await Promise.all(audits.map((audit) => audit.close()));
    await chainOf(own, 1);
    await chainOf(own, 1);
    const reports = await verified(own);
    assert.deepEqual(
      reports.map(({ records, unsigned, broken }) => [records, unsigned, broken]),
      [4, 4, 4, 3, 3].map((records) => [records, 0, null]),
    );
    const { rows } = await own.database.owner.query(
      `select cardinality(string_to_array(detail, ' ')) as named from audit_record
        where sequence = 1 order by chain desc limit 2`,
    );
    assert.deepEqual(rows, [{ named: 1 }, { named: 3 }]);
  }));

/** A chain of so many records that has ended. */
async function chainOf(own: TestDatabase, records: number): Promise<string> {
  const audit = auditOf(own);
  await Promise.all(Array.from({ length: records }, () => audit.record(entryOf())));
  const { chain } = audit.health();
  await audit.close();
  return chain!;
}

/** The chains found broken when these changes have been made, which are undone again. */
async function brokenAfter(chain: string | undefined, ...changes: string[]) {
  const client = await db.database.owner.connect();
  try {
    await client.query('begin');
    for (const change of changes) assert.equal((await client.query(change, [chain])).rowCount, 1, change);
    const reports = await collect(verifyWithin(client, AUDIT_KEY));
    assert.ok(reports.some((report) => report.chain === chain));
    return reports.filter((report) => report.broken).map((report) => report.chain);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** Makes the hashes after a record anew, as anyone can who can write the table; may add one more record. */
async function rewrite(
  own: TestDatabase,
  chain: string,
  { after, extra = false }: { after: number; extra?: boolean },
) {
  const client = await own.database.owner.connect();
  await client.query('begin');
  const places = await collect(readPlaces(client));
  await client.query('commit');
  let previous = genesisOf(chain);
  for (const { record } of places) {
    if (record!.sequence <= after) {
      previous = record!.hash;
      continue;
    }
    previous = hashRecord(previous, record!);
    await client.query('update audit_record set hash = $2 where sequence = $1', [record!.sequence, previous]);
  }
  if (extra) {
    const { record } = places.at(-1)!;
    const forged = { ...record!, sequence: record!.sequence + 1, request_id: randomUUID() };
    await client.query(
      `insert into audit_record
       select (jsonb_populate_record(r, jsonb_build_object('sequence', $1::bigint, 'request_id', $2::text, 'hash', $3::text))).*
         from audit_record r where sequence = $4`,
      [
        forged.sequence,
        forged.request_id,
        `\\x${hashRecord(previous, forged).toString('hex')}`,
        record!.sequence,
      ],
    );
  }
  client.release();
}
