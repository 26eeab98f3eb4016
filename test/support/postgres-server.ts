import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { lockDataDir } from '../../src/database/data-dir-lock.ts';
import { startEmbedded } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';

export type TestServer = { url: string; template: string };

/**
 * One PostgreSQL for a run of tests, with a migrated database to copy from: the one that DATABASE_URL names, whose
 * login must be able to create databases, or one of our own in a temporary folder.
 */
export async function startTestServer(): Promise<TestServer & { stop(): Promise<void> }> {
  const given = process.env.DATABASE_URL;
  const own = given ? undefined : await startOwn();
  const url = given ?? (own as { url: string }).url;
  const template = `cs_test_${randomBytes(4).toString('hex')}`;
  await inDatabase(url, (client) => client.query(`create database ${template}`));
  await migrateTemplate(urlOf(url, template));
  return {
    url,
    template,
    async stop() {
      if (own) await own.stop();
      else await dropAll(url, template);
    },
  };
}

/** The address of another database on the same server. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs `act` on a connection of its own. */
export async function inDatabase<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

async function startOwn() {
  await removeStale();
  const dataDir = await mkdtemp(join(tmpdir(), PREFIX));
  const log = pino({ level: 'error' });
  // What a test writes need not survive the machine; the tests of durability start a server of their own.
  const settings = { fsync: 'off', max_connections: '200' };
  const embedded = await startEmbedded({ dataDir, log, settings });
  const { host, user, password, database } = embedded.connection;
  return {
    url: `postgres://${user}:${password}@localhost/${database}?host=${host}`,
    async stop() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const PREFIX = 'connected-systems-test-';

/** What runs that were killed left behind: older than an hour, and no longer held by a process. */
async function removeStale() {
  for (const name of await readdir(tmpdir())) {
    const dataDir = join(tmpdir(), name);
    if (!name.startsWith(PREFIX)) continue;
    try {
      if (Date.now() - (await stat(dataDir)).mtimeMs < 3_600_000) continue;
      lockDataDir(dataDir).release();
      await rm(dataDir, { recursive: true, force: true });
    } catch {
      // in use, another user's, or taken away meanwhile by the run that made it
    }
  }
}

async function migrateTemplate(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    await migrate(pool, pino({ level: 'warn' }));
  } finally {
    await pool.end();
  }
}

/** The copies are named after the template; those of a test that died are dropped here too. */
async function dropAll(url: string, template: string) {
  await inDatabase(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [template],
    );
    for (const { name } of rows) await client.query(`drop database if exists ${name} with (force)`);
  });
}
