import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { AuditEntry } from './audit.ts';
import { auditOf, entryOf } from './test-support.ts';
import { callsSummary, lastUsed, latestCalls } from './usage.ts';

let db: TestDatabase;
let audit: ReturnType<typeof auditOf>;
before(async () => {
  db = await testDatabase();
  audit = auditOf(db);
});
after(async () => {
  await audit.close();
  await db.stop();
});

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ago = (ms: number) => new Date(Math.floor(Date.now() / MINUTE) * MINUTE - ms);

const refused = { outcome: 'connection-revoked', status: 403 };

async function record(connectionId: string, parts: Partial<AuditEntry>[]) {
  await Promise.all(parts.map((part) => audit.record(entryOf({ connectionId, ...part }))));
}

test('a connection was last used when a call was last allowed, not refused', async () => {
  const [used, onlyRefused, never] = [randomUUID(), randomUUID(), randomUUID()];
  await record(used, [{ at: ago(3 * MINUTE) }, { at: ago(5 * MINUTE) }, { at: ago(MINUTE), ...refused }]);
  await record(onlyRefused, [{ at: ago(MINUTE), ...refused }]);
  const found = await lastUsed(db.database.service, [used, onlyRefused, never]);
  assert.deepEqual([...found], [[used, { called: ago(3 * MINUTE), told: null }]]);
  assert.equal((await lastUsed(db.database.service, [])).size, 0);
});

test('what an administrator does to a connection is none of its calls', async () => {
  const connection = randomUUID();
  await record(connection, [
    { kind: 'page', interaction: 'grant' },
    { kind: 'token', interaction: 'token' },
  ]);
  assert.equal((await lastUsed(db.database.service, [connection])).size, 0);
  assert.equal((await callsSummary(db.database.service, connection)).callsInWeek, 0);
  assert.deepEqual(await latestCalls(db.database.service, connection), []);
});

test('the summary counts the last seven days and knows the last call of all time', async () => {
  const connection = randomUUID();
  await record(connection, [
    { at: ago(DAY) },
    { at: ago(2 * DAY) },
    { at: ago(MINUTE), ...refused },
    { at: ago(8 * DAY) },
    { at: ago(9 * DAY), ...refused },
  ]);
  assert.deepEqual(await callsSummary(db.database.service, connection), {
    callsInWeek: 3,
    refusedInWeek: 1,
    toldInWeek: 0,
    lastCall: ago(MINUTE),
    lastAllowed: ago(DAY),
    lastTold: null,
  });
  const old = randomUUID();
  await record(old, [{ at: ago(30 * DAY) }]);
  assert.deepEqual(await callsSummary(db.database.service, old), {
    callsInWeek: 0,
    refusedInWeek: 0,
    toldInWeek: 0,
    lastCall: ago(30 * DAY),
    lastAllowed: ago(30 * DAY),
    lastTold: null,
  });
  assert.deepEqual(await callsSummary(db.database.service, randomUUID()), {
    callsInWeek: 0,
    refusedInWeek: 0,
    toldInWeek: 0,
    lastCall: null,
    lastAllowed: null,
    lastTold: null,
  });
});

test('what a system was sent is none of its calls, and counts once however often it was tried', async () => {
  const connection = randomUUID();
  const notify = { interaction: 'notify' };
  const tried = { ...notify, requestId: randomUUID() };
  await record(connection, [
    { at: ago(2 * DAY) },
    { at: ago(MINUTE), ...tried },
    { at: ago(DAY), ...tried },
    { at: ago(3 * DAY), ...notify, requestId: randomUUID() },
    { at: ago(8 * DAY), ...notify },
  ]);
  assert.deepEqual(await callsSummary(db.database.service, connection), {
    callsInWeek: 1,
    refusedInWeek: 0,
    toldInWeek: 2,
    lastCall: ago(2 * DAY),
    lastAllowed: ago(2 * DAY),
    lastTold: ago(MINUTE),
  });
  const silent = randomUUID();
  await record(silent, [{ at: ago(DAY), ...notify }]);
  assert.deepEqual(
    [...(await lastUsed(db.database.service, [connection, silent]))],
    [
      [connection, { called: ago(2 * DAY), told: ago(MINUTE) }],
      [silent, { called: null, told: ago(DAY) }],
    ],
  );
  const listed = await latestCalls(db.database.service, connection);
  assert.deepEqual(
    listed.map(({ interaction }) => interaction),
    ['notify', 'notify', 'read', 'notify', 'notify'],
  );
});

test('calls are shown newest first, refused ones with their code, and another connection’s never', async () => {
  const connection = randomUUID();
  await record(randomUUID(), [{ at: ago(0) }]);
  await record(connection, [
    {
      at: ago(2 * MINUTE),
      resourceType: 'Patient',
      resourceId: 'p',
      patients: [randomUUID()],
      count: 1,
      bytes: 10,
    },
    { at: ago(MINUTE), ...refused, requestId: 'the-reference', address: '192.0.2.1', query: 'code=1' },
  ]);
  const calls = await latestCalls(db.database.service, connection);
  assert.deepEqual(
    calls.map(({ cursor, ...call }) => call),
    [
      {
        at: ago(MINUTE),
        requestId: 'the-reference',
        interaction: 'read',
        outcome: 'connection-revoked',
        status: 403,
        resourceType: null,
        resourceId: null,
        query: 'code=1',
        patientCount: 0,
        count: null,
        bytes: null,
        address: '192.0.2.1',
      },
      {
        at: ago(2 * MINUTE),
        requestId: calls[1]!.requestId,
        interaction: 'read',
        outcome: 'allowed',
        status: 200,
        resourceType: 'Patient',
        resourceId: 'p',
        query: null,
        patientCount: 1,
        count: 1,
        bytes: 10,
        address: null,
      },
    ],
  );
});

test('pages of calls follow each other without loss or repetition, though many are of the same moment', async () => {
  const connection = randomUUID();
  await record(
    connection,
    Array.from({ length: 60 }, (_, index) => ({
      at: ago((index % 3) * MINUTE),
      ...(index % 2 ? refused : index % 5 === 0 ? { interaction: 'notify' } : {}),
    })),
  );
  const other = auditOf(db); // another process, so another chain, at the same moments
  await Promise.all(
    Array.from({ length: 5 }, () => other.record(entryOf({ connectionId: connection, at: ago(0) }))),
  );
  await other.close();

  const seen: string[] = [];
  let before: string | undefined;
  for (;;) {
    const page = await latestCalls(db.database.service, connection, 7, before);
    if (page.length === 0) break;
    seen.push(...page.map((call) => call.requestId));
    before = page.at(-1)!.cursor;
  }
  assert.equal(new Set(seen).size, 65);
  assert.equal(seen.length, 65);
  const all = await latestCalls(db.database.service, connection, 100);
  assert.deepEqual(
    seen,
    all.map((call) => call.requestId),
  );
});

test('a place to go on from that is none of ours gives nothing', async () => {
  for (const before of ['', 'x', "1.' or true --.1", `1.${randomUUID()}.1`]) {
    assert.deepEqual(await latestCalls(db.database.service, randomUUID(), 50, before), []);
  }
});

test('every statement goes by the indexes, however many records there are', async () => {
  const { owner } = db.database;
  await owner.query(`
    insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id, hash)
    select '00000000-0000-7000-8000-000000000000', n, now() - n * interval '1 second', n, 'fhir',
           case when n % 3 = 0 then 'notify' else 'read' end,
           case when n % 50 = 0 then 'scope-insufficient' else 'allowed' end, 200,
           md5((n % 20)::text)::uuid, '\\x00'
      from generate_series(1, 20000) n`);
  await owner.query('analyze audit_record');
  const plans: string[] = [];
  const explaining = {
    query: async ({ text, values }: { text: string; values: unknown[] }) => {
      const { rows } = await owner.query(`explain ${text}`, values);
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows };
    },
  } as unknown as Parameters<typeof lastUsed>[0];
  const connection = '00000000-0000-0000-0000-000000000000';
  await lastUsed(explaining, [connection]).catch(() => undefined);
  await callsSummary(explaining, connection);
  await latestCalls(explaining, connection);
  assert.equal(plans.length, 3);
  for (const plan of plans) {
    assert.doesNotMatch(plan, /Seq Scan on audit_record/, plan);
    for (const kind of ['called', 'told']) assert.match(plan, new RegExp(`audit_record_${kind}\\b`), plan);
  }
});
