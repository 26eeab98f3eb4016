import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { startEmbedded } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
import { types } from '../src/database/types.ts';
import { loadDemoWorld } from '../src/demo/load.ts';
import { generateWorld } from '../src/demo/world.ts';
import { openDefinitions } from '../src/fhir/definitions/open-definitions.ts';
import { loadSecrets } from '../src/secrets.ts';
import { insertBenchSystem } from './bench-system.ts';

const log = pino({ level: 'warn' });

export type BenchDatabase = Awaited<ReturnType<typeof openBenchDatabase>>;

/**
 * The data to measure on, in a PostgreSQL of its own with the service's settings. The first run loads it, later ones
 * find it as the first left it: what was measured since is taken away.
 */
export async function openBenchDatabase({ patients }: { patients: number }) {
  const dataDir = join(import.meta.dirname, `../.data-bench/${patients}-patients`);
  try {
    return await openAt(dataDir, patients);
  } catch (error) {
    // It is of another version of the product: made again, as it can be.
    if (!OUTDATED.has((error as { code?: string }).code ?? '')) throw error;
    rmSync(dataDir, { recursive: true });
    return openAt(dataDir, patients);
  }
}

const OUTDATED = new Set(['MIGRATION_ALTERED', 'DATABASE_NEWER']);

async function openAt(dataDir: string, patients: number) {
  const marker = join(dataDir, 'loaded.json');
  // A load that was cut off is done again, whole.
  if (existsSync(dataDir) && !existsSync(marker)) rmSync(dataDir, { recursive: true });
  const { connection, pid, stop } = await startEmbedded({ dataDir, log });
  const pool = new pg.Pool({ ...connection, types, max: 1 });
  // An idle connection hears of the database's end, which is no fault here.
  pool.on('error', () => undefined);
  const finish = async () => {
    await pool.end();
    await stop();
  };
  try {
    await migrate(pool, log);
    if (!existsSync(marker)) await load(pool, dataDir, patients, marker);
    const loaded = JSON.parse(readFileSync(marker, 'utf8')) as Loaded;
    await tidy(pool, loaded);
    const { host, port, user, password, database } = connection;
    const url = `postgres://${user}:${password}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
    return { dataDir, url, pool, loaded, postmasterPid: pid(), stop: finish };
  } catch (error) {
    await finish();
    throw error;
  }
}

type Loaded = { organisationId: string; at: string; resources: number };

async function load(pool: pg.Pool, dataDir: string, patients: number, marker: string) {
  console.error(`Loading ${patients} patients and about ${patients * 40} resources, this once …`);
  const secrets = loadSecrets({ dataDir, keys: {} as Parameters<typeof loadSecrets>[0]['keys'] });
  const definitions = await openDefinitions(join(dataDir, 'definitions'));
  const options = { today: '2026-11-01', patients, resourcesPerPatient: 39 };
  const loaded = await loadDemoWorld({ database: { owner: pool }, secrets, definitions }, options);
  if (loaded.outcome !== 'loaded') throw new Error(`nothing was loaded: ${loaded.outcome}`);
  const client = await pool.connect();
  try {
    await insertBenchSystem(client, loaded.world, secrets.pepper);
    const { rows } = await client.query('select count(*) as count, now() as at from resource');
    const organisationId = generateWorld({ ...options, patients: 0 }).organisations[0]!.id;
    writeFileSync(
      marker,
      JSON.stringify({ organisationId, at: rows[0].at, resources: Number(rows[0].count) }),
    );
  } finally {
    client.release();
  }
}

async function tidy(pool: pg.Pool, { at }: Loaded) {
  await pool.query('delete from resource where updated_at > $1', [at]);
  await pool.query('truncate access_token');
  // Only ever added to, but for here, where nothing that is recorded ever happened.
  await pool.query('alter table audit_record disable trigger user');
  await pool.query('truncate audit_record');
  await pool.query('alter table audit_record enable trigger user');
  await pool.query('vacuum (analyze)');
  await pool.query('checkpoint');
}
