import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase, withDatabase } from '../../test/support/database.ts';
import { auditOf, entryOf, recorded, verified } from './test-support.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(() => db.stop());

test('a record is committed, with everything it was given, when record resolves', async () => {
  const audit = auditOf(db);
  const entry = {
    kind: 'fhir' as const,
    interaction: 'search-type',
    outcome: 'allowed',
    status: 200,
    requestId: randomUUID(),
    address: '2001:db8::1',
    clientId: 'kiosk "one" \\ two',
    connectionId: randomUUID(),
    organisationId: randomUUID(),
    accountId: randomUUID(),
    resourceType: 'Observation',
    resourceId: 'a-1',
    query: 'code=1234&name=#abc',
    patients: [randomUUID(), randomUUID()],
    named: [randomUUID(), '#sK3_-0aZ9bQx1y'],
    count: 2,
    bytes: 12_345,
    detail: 'Ünïcode – 🩺',
    at: new Date('2026-11-22T09:47:19.123Z'),
  };
  await audit.record(entry);
  const { rows } = await db.database.owner.query(
    `select kind, interaction, outcome, status, request_id as "requestId", address, client_id as "clientId",
            connection_id as "connectionId", organisation_id as "organisationId", account_id as "accountId",
            resource_type as "resourceType", resource_id as "resourceId", query, patients, named, count, bytes, detail, at
       from audit_record where request_id = $1`,
    [entry.requestId],
  );
  assert.deepEqual(rows, [entry]);
  await audit.close();
});

test('what is not known is null, and no patients is the same as none named', async () => {
  const audit = auditOf(db);
  const entry = entryOf({ patients: [], named: [] });
  await audit.record(entry);
  const { rows } = await db.database.owner.query(
    `select num_nulls(client_id, connection_id, organisation_id, account_id, resource_type, resource_id, query,
                      patients, named, count, bytes, address, detail) as nulls
       from audit_record where request_id = $1`,
    [entry.requestId],
  );
  assert.deepEqual(rows, [{ nulls: 13 }]);
  await audit.close();
});

test('text that PostgreSQL cannot hold is made storable and still verifies', async () => {
  const audit = auditOf(db);
  await audit.record(entryOf({ clientId: 'nul\0', resourceId: 'half \ud83e pair', query: 'x'.repeat(5000) }));
  await audit.close();
  const { rows } = await db.database.owner.query(
    `select client_id, resource_id, length(query) from audit_record where client_id like 'nul%'`,
  );
  assert.deepEqual(rows, [{ client_id: 'nul\ufffd', resource_id: 'half \ufffd pair', length: 2000 }]);
  assert.ok((await verified(db)).every(({ broken }) => broken === null));
});

for (const [what, part] of Object.entries({
  'an id that is no UUID': { connectionId: 'RX1' },
  'a patient that is no UUID': { patients: [randomUUID(), "x'; drop table"] },
  'a name that would need quotes': { named: ['a,b'] },
  'a status that is no number': { status: Number.NaN },
  'a negative count': { count: -1 },
  'a time that is none': { at: new Date('soon') },
})) {
  test(`${what} is refused and does not fail the records beside it`, async () => {
    const audit = auditOf(db);
    const [good, bad] = await Promise.allSettled([audit.record(entryOf()), audit.record(entryOf(part))]);
    assert.equal(good.status, 'fulfilled');
    assert.equal(bad.status === 'rejected' && bad.reason.code, 'AUDIT_ENTRY_INVALID');
    await audit.close();
  });
}

test('records stand in the order in which they were made, many to a commit', () =>
  withDatabase(async (own) => {
    const audit = auditOf(own);
    const entries = Array.from({ length: 1000 }, () => entryOf());
    await Promise.all(entries.map((entry) => audit.record(entry)));
    await audit.close();
    assert.deepEqual(
      await recorded(own),
      entries.map((entry) => entry.requestId),
    );
    const { rows } = await own.database.owner.query(
      'select count(distinct xmin::text)::int as commits from audit_record',
    );
    assert.ok(rows[0].commits < 20, `${rows[0].commits} commits`);
  }));

test('the service may add records and read them, and nothing else', async () => {
  for (const statement of [
    `update audit_record set outcome = 'allowed'`,
    'delete from audit_record',
    'truncate audit_record',
    'update audit_checkpoint set sequence = 1',
    'delete from audit_checkpoint',
    'truncate audit_checkpoint',
    'alter table audit_record disable trigger all',
  ]) {
    await assert.rejects(db.database.service.query(statement), { code: '42501' }, statement);
    // Not even the owner, unless it first removes what prevents accidents.
    if (!statement.startsWith('alter')) {
      await assert.rejects(db.database.owner.query(statement), /only ever added/, statement);
    }
  }
});

test('closing writes what waits, ends the chain, signs it, and takes no more', () =>
  withDatabase(async (own) => {
    const audit = auditOf(own);
    const waiting = Array.from({ length: 100 }, () => audit.record(entryOf()));
    await Promise.all([audit.close(), audit.close()]);
    await Promise.all(waiting);
    await assert.rejects(audit.record(entryOf()), { code: 'AUDIT_UNAVAILABLE', statusCode: 503 });
    assert.equal(audit.health().available, false);
    const [report] = await verified(own);
    assert.deepEqual([report?.records, report?.unsigned, report?.broken], [102, 0, null]);
    const { rows } = await own.database.owner.query(
      `select count(*)::int as open from pg_stat_activity where application_name = 'connected-systems audit'
          and datname = current_database()`,
    );
    assert.deepEqual(rows, [{ open: 0 }]);
  }));

test('health tells how far the chain has come', async () => {
  const audit = auditOf(db);
  await audit.record(entryOf());
  const health = audit.health();
  assert.match(health.chain ?? '', /^[0-9a-f-]{36}$/);
  assert.deepEqual(
    { ...health, chain: '' },
    { available: true, connected: true, waiting: 0, chain: '', sequence: 2 },
  );
  await audit.close();
});
