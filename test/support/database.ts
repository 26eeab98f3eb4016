import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { openDatabase } from '../../src/database/connect.ts';
import { inDatabase, startTestServer, type TestServer, urlOf } from './postgres-server.ts';

export type TestDatabase = Awaited<ReturnType<typeof testDatabase>>;

/**
 * A fresh database of the test's own, with every migration: `database` as the service opens it, `url` for whatever
 * takes a DATABASE_URL. Call `stop` when done (`after(() => db.stop())`).
 *
 * Under `npm test` all files share one PostgreSQL; a file run by itself starts one and ends it with the process.
 */
export async function testDatabase({ migrated = true, poolSize = 5 } = {}) {
  const server = await sharedServer();
  const name = `${server.template}_${randomBytes(4).toString('hex')}`;
  await inDatabase(server.url, (client) =>
    client.query(`create database ${name} template ${migrated ? server.template : 'template0'}`),
  );
  const url = urlOf(server.url, name);
  const database = await openDatabase(
    { databaseUrl: url, databasePoolSize: poolSize, dataDir: '/nonexistent' },
    pino({ level: 'silent' }),
  );
  return {
    database,
    url,
    async stop() {
      await database.stop();
      await inDatabase(server.url, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Gives `act` a fresh database and takes it away afterwards, whatever happens. */
export async function withDatabase<T>(act: (db: TestDatabase) => Promise<T>): Promise<T> {
  const db = await testDatabase();
  try {
    return await act(db);
  } finally {
    await db.stop();
  }
}

let shared: Promise<TestServer> | undefined;

function sharedServer(): Promise<TestServer> {
  shared ??= findOrStart();
  return shared;
}

async function findOrStart(): Promise<TestServer> {
  const { TEST_DATABASE_URL: url, TEST_DATABASE_TEMPLATE: template } = process.env;
  if (url && template) return { url, template };
  const server = await startTestServer();
  // Not node:test's `after`: it would end the server before the files' own `after` hooks that still use it.
  process.once('beforeExit', () => server.stop());
  return server;
}
