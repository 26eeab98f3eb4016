import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { startEmbedded } from './embedded.ts';
import { createPipeline } from './pipeline.ts';
import { StartError } from './start-error.ts';
import { types } from './types.ts';

export type Database = Awaited<ReturnType<typeof openDatabase>>;

/**
 * The database: an existing one where DATABASE_URL is set, otherwise one of our own.
 *
 * `service` answers requests: every connection takes the role `cs_service` as it opens, so that row-level security
 * holds whatever the login role may do. That role is made by the first migration; nothing connects before the first
 * query. `owner` is the login role itself, for migrations and seeding.
 */
export async function openDatabase(
  config: Pick<Config, 'dataDir' | 'databaseUrl' | 'databasePoolSize'>,
  log: Logger,
) {
  const embedded = config.databaseUrl ? undefined : await startEmbedded({ dataDir: config.dataDir, log });
  const connection: pg.ClientConfig = embedded?.connection ?? { connectionString: config.databaseUrl };

  const owner = new pg.Pool({ ...settingsOf(connection, 'owner'), ...waits, max: 2 });
  const service = new pg.Pool({
    ...settingsOf(connection, 'service'),
    ...waits,
    max: config.databasePoolSize,
  });
  for (const pool of [owner, service]) {
    // An idle connection that breaks is replaced on the next use; without a listener it would end this process.
    pool.on('error', (error) => log.warn({ err: error }, 'a database connection was lost'));
  }

  const newClient = ({ as = 'service', ...options }: pg.ClientConfig & { as?: Role } = {}) => {
    const client = new pg.Client({ ...settingsOf(connection, as), ...options });
    client.on('error', (error) => log.warn({ err: error }, 'a database connection was lost'));
    return client;
  };
  const reader = createPipeline(newClient, { connections: 2 });
  const searcher = createPipeline(newClient, { connections: 4 });

  const stop = async ({ graceMs = 5000 } = {}) => {
    // A connection that somebody took and never gave back must not keep the database from its orderly stop.
    const grace = sleep(graceMs, undefined, { ref: false });
    await Promise.race([
      Promise.allSettled([owner.end(), service.end(), reader.end(), searcher.end()]),
      grace,
    ]);
    await embedded?.stop();
  };
  try {
    await checkServer(owner);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    kind: embedded ? ('embedded' as const) : ('external' as const),
    connection,
    owner,
    service,
    /** As the service, for statements that are short and wait for nobody (see `createPipeline`): reads by key. */
    reader,
    /** The same for searches that look at few rows. */
    searcher,
    /** A connection outside the pools, not yet open; as the service unless told otherwise. */
    newClient,
    /** Waits for statements that run, `graceMs` at most, then ends the database if it is our own. */
    stop,
  };
}

type Role = 'owner' | 'service';

const waits = { connectionTimeoutMillis: 3000, idleTimeoutMillis: 30_000 };

function settingsOf(connection: pg.ClientConfig, role: Role): pg.ClientConfig {
  return {
    ...connection,
    types,
    application_name: `connected-systems ${role}`,
    keepAlive: true,
    connectionTimeoutMillis: waits.connectionTimeoutMillis,
    // A transaction that nobody goes on with would hold its locks, and old row versions, for ever.
    idle_in_transaction_session_timeout: role === 'service' ? 15_000 : 60_000,
    ...(role === 'service' && {
      statement_timeout: 10_000,
      // For a machine that froze and says nothing at all, not even that the statement took too long.
      query_timeout: 15_000,
      lock_timeout: 5000,
      options: '-c role=cs_service',
    }),
  };
}

async function checkServer(pool: pg.Pool) {
  const version = Number((await ask(pool, 'show server_version_num')).server_version_num);
  if (version < 150_000) {
    const message = `The database is PostgreSQL ${Math.floor(version / 10_000)}; 15 or newer is needed. Set DATABASE_URL to one.`;
    throw new StartError('DATABASE_VERSION', message);
  }
  // In a database that knows no letters but A to Z, Élodie would not be found as élodie, and a name is cut by bytes.
  const { encoding, letters } = await ask(
    pool,
    "select current_setting('server_encoding') as encoding, lower(chr(201)) = chr(233) as letters",
  );
  if (encoding === 'UTF8' && letters) return;
  const message = `The database (${encoding}) does not know all letters: create it with ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0.`;
  throw new StartError('DATABASE_LOCALE', message);
}

async function ask(pool: pg.Pool, question: string) {
  try {
    return (await pool.query(question)).rows[0];
  } catch (cause) {
    const message = `The database does not answer: ${(cause as Error).message}. Check DATABASE_URL and that it runs.`;
    throw new StartError('DATABASE_UNREACHABLE', message, { cause });
  }
}
