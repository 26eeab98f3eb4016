import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { StartError } from './start-error.ts';

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Brings the database to the newest form this version knows: runs the files `NNNN-name.sql` that it has not had, in
 * order, each in a transaction of its own. Any number of processes may call it at once; one does the work.
 * @returns the names of the migrations that were run now.
 * @throws {StartError} when the database is newer than this version, or a migration it had has since been altered.
 */
export async function migrate(owner: Pool, log: Logger, folder = FOLDER): Promise<string[]> {
  const known = await readMigrations(folder);
  const client = await owner.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(TABLE);
    const pending = compare(known, await applied(client));
    for (const migration of pending) {
      await apply(client, migration);
      log.info({ migration: migration.name }, 'migrated the database');
    }
    return pending.map(({ name }) => name);
  } finally {
    // Closing the connection frees the lock, and takes along whatever a migration set for the session.
    client.release(true);
  }
}

/** Whether the database has every migration that this version knows. */
export async function isMigrated(owner: Pool, folder = FOLDER): Promise<boolean> {
  const known = await readMigrations(folder);
  const { rows } = await owner.query<Applied>(APPLIED);
  return known.every(({ number, checksum }) =>
    rows.some((row) => row.number === number && row.checksum === checksum),
  );
}

type Migration = { number: number; name: string; sql: string; checksum: string };
type Applied = { number: number; name: string; checksum: string };

/** Any number will do, as long as every version uses the same. */
const LOCK = 4_117_330_952;

const TABLE = `create table if not exists schema_migration (
  number int primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
)`;

const APPLIED = 'select number, name, checksum from schema_migration order by number';

async function applied(client: PoolClient) {
  return (await client.query<Applied>(APPLIED)).rows;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
      if (!number || files[index - 1]?.startsWith(file.slice(0, 5)))
        throw new Error(`migration ${file} is not NNNN-name.sql with a number of its own`);
      const sql = await readFile(`${folder}/${file}`, 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { number, name: file.slice(0, -'.sql'.length), sql, checksum };
    }),
  );
}

function compare(known: Migration[], had: Applied[]) {
  for (const row of had) {
    const migration = known.find(({ number }) => number === row.number);
    if (!migration) {
      const message = `The database has migration ${row.name}, which this version does not know: run the newer version.`;
      throw new StartError('DATABASE_NEWER', message);
    }
    if (migration.checksum !== row.checksum) {
      const message = `Migration ${row.name} was altered after this database had it: restore the file, add a new one.`;
      throw new StartError('MIGRATION_ALTERED', message);
    }
  }
  return known.filter(({ number }) => !had.some((row) => row.number === number));
}

async function apply(client: PoolClient, { number, name, sql, checksum }: Migration) {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into schema_migration (number, name, checksum) values ($1, $2, $3)', [
      number,
      name,
      checksum,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    const { message, position } = error as { message: string; position?: string };
    const line = position ? ` (line ${sql.slice(0, Number(position)).split('\n').length})` : '';
    throw new StartError('MIGRATION_FAILED', `Migration ${name} failed${line}: ${message}`, { cause: error });
  }
}
