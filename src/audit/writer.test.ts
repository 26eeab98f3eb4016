import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { eventually } from '../../test/support/child.ts';
import { type TestDatabase, withDatabase } from '../../test/support/database.ts';
import { auditOf, breakableWay, type Cut, entryOf, holdWrites, recorded, verified } from './test-support.ts';

/** Writes in a loop from several callers at once until `done`, and tells what became of each record. */
async function load(audit: ReturnType<typeof auditOf>, callers: number, done: () => boolean) {
  const resolved: string[] = [];
  const rejected: string[] = [];
  const caller = async () => {
    while (!done()) {
      const entry = entryOf();
      try {
        await audit.record(entry);
        resolved.push(entry.requestId);
      } catch (error) {
        assert.equal((error as { code: string }).code, 'AUDIT_UNAVAILABLE');
        rejected.push(entry.requestId);
        await new Promise(setImmediate);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { resolved, rejected };
}

async function assertExactlyOnce(db: TestDatabase, resolved: string[]) {
  const stored = await recorded(db);
  assert.equal(new Set(stored).size, stored.length, 'a record is stored twice');
  const there = new Set(stored);
  const missing = resolved.filter((id) => !there.has(id));
  assert.equal(missing.length, 0, `${missing.length} records that were said to be durable are not there`);
  for (const report of await verified(db)) assert.equal(report.broken, null);
}

const connections = `from pg_stat_activity
  where application_name = 'connected-systems audit' and datname = current_database()`;

test('with its connection killed again and again under load, every record that resolved stands exactly once', () =>
  withDatabase(async (db) => {
    const audit = auditOf(db);
    let killed = 0;
    const loading = load(audit, 32, () => killed >= 25);
    while (killed < 25) {
      const before = audit.health().sequence;
      const { rowCount } = await db.database.owner.query(`select pg_terminate_backend(pid) ${connections}`);
      killed += rowCount ?? 0;
      await eventually(() => audit.health().sequence !== before);
    }
    const { resolved, rejected } = await loading;
    await audit.close();
    await assertExactlyOnce(db, resolved);
    assert.equal(rejected.length, 0, 'a connection that can be made again at once refuses nobody');
    assert.equal((await verified(db)).length, 1, 'the chain goes on');
  }));

test('wherever the way to the database breaks, what resolved stands exactly once', () =>
  withDatabase(async (db) => {
    const way = await breakableWay(db);
    const cuts = fc.array(fc.constantFrom<Cut>('before the statement', 'before the answer'), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cuts, { minLength: 1, maxLength: 5 }), async (rounds) => {
        const audit = auditOf(db, { newClient: way.newClient });
        const entries = [];
        for (const round of rounds) {
          const entry = entryOf();
          entries.push(entry.requestId);
          const written = audit.record(entry);
          // Each cut takes the next thing that is sent: the batch, a connection's greeting, the batch again …
          for (const cut of round) {
            way.cutNext(cut);
            await new Promise(setImmediate);
          }
          await written;
        }
        await audit.close();
        await assertExactlyOnce(db, entries);
      }),
      { numRuns: 30 },
    );
    way.stop();
  }));

for (const cut of ['before the statement', 'before the answer'] as const) {
  test(`a batch whose connection breaks ${cut} is found or written again, in its place`, () =>
    withDatabase(async (db) => {
      const way = await breakableWay(db);
      const audit = auditOf(db, { newClient: way.newClient });
      await audit.record(entryOf());
      way.cutNext(cut);
      const entries = Array.from({ length: 5 }, () => entryOf());
      await Promise.all(entries.map((entry) => audit.record(entry)));
      await audit.close();
      assert.deepEqual(
        (await recorded(db)).slice(1),
        entries.map((entry) => entry.requestId),
      );
      const [report, ...others] = await verified(db);
      assert.deepEqual([report?.records, report?.broken, others], [8, null, []]);
      way.stop();
    }));
}

test('a statement that outlives its connection and commits late is not written twice', () =>
  withDatabase(async (db) => {
    const way = await breakableWay(db);
    const audit = auditOf(db, { newClient: way.newClient });
    await audit.record(entryOf());
    const letGo = await holdWrites(db);
    const entry = entryOf();
    const written = audit.record(entry);
    await eventually(() => heldUp(db, 1));
    way.loseConnections();
    await eventually(() => heldUp(db, 2)); // sent again, while the first still waits
    await letGo();
    await written;
    await audit.close();
    await assertExactlyOnce(db, [entry.requestId]);
    assert.equal((await recorded(db)).length, 2);
    way.stop();
  }));

test('a batch that stays unknown until nobody waits for it leaves its chain behind', () =>
  withDatabase(async (db) => {
    const way = await breakableWay(db);
    const audit = auditOf(db, { newClient: way.newClient, limits: { waitMsMax: 600 } });
    await audit.record(entryOf());
    const letGo = await holdWrites(db);
    const late = entryOf();
    await assert.rejects(audit.record(late), { code: 'AUDIT_UNAVAILABLE' });
    await eventually(() => !audit.health().available);
    await letGo();
    await eventually(() => audit.health().available && audit.health().connected);
    const entry = entryOf();
    await audit.record(entry);
    await audit.close();
    await assertExactlyOnce(db, [entry.requestId]);
    way.stop();
  }));

test('more records than may wait are refused at once, and those that wait are written', () =>
  withDatabase(async (db) => {
    const audit = auditOf(db, { limits: { waitingMax: 10 } });
    await audit.record(entryOf());
    const letGo = await holdWrites(db);
    const entries = Array.from({ length: 10 }, () => entryOf());
    const written = entries.map((entry) => audit.record(entry));
    await assert.rejects(audit.record(entryOf()), /too many records are waiting/);
    await letGo();
    await Promise.all(written);
    assert.equal(audit.health().waiting, 0);
    await audit.close();
    await assertExactlyOnce(
      db,
      entries.map((entry) => entry.requestId),
    );
  }));

test('while the database is away records are refused, soon at once, and when it is back they are taken', () =>
  withDatabase(async (db) => {
    let away = true;
    const audit = auditOf(db, {
      limits: { waitMsMax: 600 },
      newClient: (options) => (away ? nowhere() : db.database.newClient(options)),
    });
    await assert.rejects(audit.record(entryOf()), { code: 'AUDIT_UNAVAILABLE', statusCode: 503 });
    await eventually(() => !audit.health().available);
    await assert.rejects(audit.record(entryOf()), /the database is away/);
    away = false;
    await eventually(() => audit.health().available);
    const entry = entryOf();
    await audit.record(entry);
    await audit.close();
    assert.deepEqual(await recorded(db), [entry.requestId]);
  }));

test('what the database refuses to store is refused, and leaves no gap in the chain', () =>
  withDatabase(async (db) => {
    await db.database.owner.query(`
      create function full_disk() returns trigger language plpgsql as
        $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$;
      create trigger full_disk before insert on audit_record
        for each row when (new.interaction = 'too much') execute function full_disk()`);
    const audit = auditOf(db);
    await audit.record(entryOf());
    await assert.rejects(audit.record(entryOf({ interaction: 'too much' })), {
      code: 'AUDIT_UNAVAILABLE',
      message: /the database refused it/,
    });
    await audit.record(entryOf());
    await audit.close();
    const [report, ...others] = await verified(db);
    assert.deepEqual([report?.records, report?.broken, others], [4, null, []]);
  }));

test('when another writes to the chain, records go on in a new one and verifying shows the intruder', () =>
  withDatabase(async (db) => {
    const audit = auditOf(db);
    await audit.record(entryOf());
    const { chain, sequence } = audit.health();
    await db.database.service.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, hash)
       values ($1, $2, now(), 'forged', 'fhir', 'read', 'allowed', 200, '\\x00')`,
      [chain, sequence + 1],
    );
    const entry = entryOf();
    await audit.record(entry);
    await audit.close();
    const [first, second] = await verified(db);
    assert.deepEqual(first?.broken, { at: 3, reason: 'altered' });
    assert.deepEqual([second?.records, second?.broken], [3, null]);
  }));

test('closing while the database is away does not wait for it', () =>
  withDatabase(async (db) => {
    const audit = auditOf(db, {
      limits: { waitMsMax: 600 },
      newClient: nowhere,
    });
    const refused = assert.rejects(audit.record(entryOf()), { code: 'AUDIT_UNAVAILABLE' });
    await audit.close();
    await refused;
  }));

/** A client whose connection is refused: no PostgreSQL is at this port. */
const nowhere = () => new pg.Client({ host: '127.0.0.1', port: 1 });

/** Whether so many of the audit's own statements are waiting for the lock. */
async function heldUp({ database }: TestDatabase, count: number) {
  const { rowCount } = await database.owner.query(`select ${connections} and wait_event_type = 'Lock'`);
  return rowCount === count;
}
