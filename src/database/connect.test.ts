import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { eventually } from '../../test/support/child.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { urlOf } from '../../test/support/postgres-server.ts';
import { openDatabase } from './connect.ts';
import { isUnavailable } from './unavailable.ts';

const log = pino({ level: 'silent' });
let db: TestDatabase;
before(async () => {
  db = await testDatabase({ poolSize: 3 });
});
after(() => db.stop());

test('the service works as cs_service, which is no superuser and owns nothing', async () => {
  const { rows } = await db.database.service.query(
    `select current_user as name, rolsuper, rolbypassrls, (select count(*) from pg_class where relowner = r.oid) as owned
     from pg_roles r where rolname = current_user`,
  );
  assert.deepEqual(rows, [{ name: 'cs_service', rolsuper: false, rolbypassrls: false, owned: 0 }]);
});

test('every connection of the service does, a single one too, and putting its settings back changes nothing', async () => {
  const client = db.database.newClient();
  await client.connect();
  await client.query('reset role');
  await client.query('reset all');
  assert.deepEqual((await client.query('select current_user as name')).rows, [{ name: 'cs_service' }]);
  await client.end();
});

test('the owner is the login role, for migrations', async () => {
  const { rows } = await db.database.owner.query('select current_user = session_user as same');
  assert.deepEqual(rows, [{ same: true }]);
});

test('a statement of the service, and a lock it waits for, end in time', async () => {
  const { rows } = await db.database.service.query(
    `select name, setting::int as ms from pg_settings
     where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by name`,
  );
  assert.deepEqual(rows, [
    { name: 'idle_in_transaction_session_timeout', ms: 15_000 },
    { name: 'lock_timeout', ms: 5000 },
    { name: 'statement_timeout', ms: 10_000 },
  ]);
});

test('whole numbers are numbers as far as those are exact, then text; times are Dates', async () => {
  const { rows } = await db.database.service.query(
    `select 42::int8 as small, 9007199254740991::int8 as largest, 9007199254740993::int8 as larger,
            '2026-11-22T10:00:00.123456Z'::timestamptz as at`,
  );
  assert.deepEqual(rows, [
    {
      small: 42,
      largest: Number.MAX_SAFE_INTEGER,
      larger: '9007199254740993',
      at: new Date('2026-11-22T10:00:00.123Z'),
    },
  ]);
});

test('connections that the server ends are replaced, and the process lives on', async () => {
  const { service, owner } = db.database;
  await Promise.all([1, 2, 3].map(() => service.query('select pg_sleep(0.01)')));
  assert.equal(service.idleCount, 3);
  await owner.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  );
  await eventually(() => service.totalCount === 0);
  assert.deepEqual((await service.query('select 1 as n')).rows, [{ n: 1 }]);
});

test('a statement whose connection is ended under it fails as unavailable', async () => {
  const { service, owner } = db.database;
  const slow = service.query('select pg_sleep(30)').catch((error) => error);
  await eventually(async () => {
    const { rowCount } = await owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where query = 'select pg_sleep(30)' and datname = current_database()`,
    );
    return rowCount === 1;
  });
  assert.equal(isUnavailable(await slow), true);
});

test('when all connections are taken for too long, who waits is told that it is unavailable', async () => {
  const taken = await Promise.all([1, 2, 3].map(() => db.database.service.connect()));
  const error = await db.database.service.query('select 1').catch((reason) => reason);
  for (const client of taken) client.release();
  assert.equal(isUnavailable(error), true);
});

test('a connection that was never given back does not hold up the stop', async () => {
  const other = await testDatabase();
  const kept = await other.database.service.connect();
  await other.database.stop({ graceMs: 20 });
  await assert.rejects(other.database.service.query('select 1'));
  kept.release(true);
  await assert.rejects(other.database.owner.query('select 1'));
});

test('a database that is not there is told of at the start', async () => {
  const databaseUrl = 'postgres://nobody@localhost/none?host=/nonexistent';
  await assert.rejects(openDatabase({ databaseUrl, databasePoolSize: 1, dataDir: '/nonexistent' }, log), {
    code: 'DATABASE_UNREACHABLE',
    message: /Check DATABASE_URL/,
  });
});

test('a database that does not know all letters is refused at the start', async () => {
  for (const how of [
    "encoding 'UTF8' locale_provider libc locale 'C'",
    "encoding 'SQL_ASCII' locale_provider libc locale 'C'",
  ]) {
    await db.database.owner.query(`create database cs_test_letters ${how} template template0`);
    const databaseUrl = urlOf(db.url, 'cs_test_letters');
    await assert.rejects(openDatabase({ databaseUrl, databasePoolSize: 1, dataDir: '/nonexistent' }, log), {
      code: 'DATABASE_LOCALE',
      message: /create it with ENCODING 'UTF8'/,
    });
    await db.database.owner.query('drop database cs_test_letters');
  }
});

test('a PostgreSQL older than 15 is refused at the start', async () => {
  const old = createServer((socket) => socket.once('data', () => socket.write(answersAs('140009'))));
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  const { port } = old.address() as { port: number };
  const databaseUrl = `postgres://u@127.0.0.1:${port}/d`;
  await assert.rejects(openDatabase({ databaseUrl, databasePoolSize: 1, dataDir: '/nonexistent' }, log), {
    code: 'DATABASE_VERSION',
    message: 'The database is PostgreSQL 14; 15 or newer is needed. Set DATABASE_URL to one.',
  });
  old.close();
});

/** A server's words: you are in; and to the one question: this version (PostgreSQL protocol 3.0, message formats). */
function answersAs(version: string) {
  const message = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const number = (value: number, bytes: 2 | 4) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeIntBE(value, 0, bytes);
    return buffer;
  };
  const text = (value: string) => Buffer.from(`${value}\0`);
  const column = [
    text('server_version_num'),
    number(0, 4),
    number(0, 2),
    number(25, 4),
    number(-1, 2),
    number(-1, 4),
  ];
  const ready = message('Z', Buffer.from('I'));
  return Buffer.concat([
    message('R', number(0, 4)),
    ready,
    message('T', Buffer.concat([number(1, 2), ...column, number(0, 2)])),
    message('D', Buffer.concat([number(1, 2), number(version.length, 4), Buffer.from(version)])),
    message('C', text('SHOW')),
    ready,
  ]);
}
