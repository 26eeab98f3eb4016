import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import pg from 'pg';
import { type TestDatabase, testDatabase } from '../test/support/database.ts';
import { setUpHealth } from './health.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(() => db.stop());

async function ask(owner: pg.Pool, path: string) {
  const app: FastifyInstance = Fastify();
  setUpHealth(app, { owner });
  const answer = await app.inject(path);
  await app.close();
  return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body: answer.json() };
}

test('with its database there and migrated the service is ready', async () => {
  assert.deepEqual(await ask(db.database.owner, '/health/ready'), {
    status: 200,
    retryAfter: undefined,
    body: { status: 'ready', checks: { database: 'ok', migrations: 'ok' } },
  });
});

test('with its database away it lives, is not ready, and says when to ask again', async () => {
  const owner = new pg.Pool({ host: '/nonexistent' });
  assert.equal((await ask(owner, '/health/live')).status, 200);
  assert.deepEqual(await ask(owner, '/health/ready'), {
    status: 503,
    retryAfter: '5',
    body: { status: 'not ready', checks: { database: 'no answer', migrations: 'unknown' } },
  });
});

test('a database that accepts and then says nothing is not waited for', async () => {
  const silent = { query: () => new Promise(() => undefined) } as unknown as pg.Pool;
  assert.equal((await ask(silent, '/health/ready')).status, 503);
});

test('with a migration missing it is not ready', async () => {
  const other = await testDatabase();
  await other.database.owner.query(
    'delete from schema_migration where number = (select max(number) from schema_migration)',
  );
  const { status, body } = await ask(other.database.owner, '/health/ready');
  assert.equal(status, 503);
  assert.deepEqual(body.checks, { database: 'ok', migrations: 'behind' });
  await other.stop();
});
