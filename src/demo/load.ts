import type { ClientBase } from 'pg';
import type { Database } from '../database/connect.ts';
import type { Definitions } from '../fhir/definitions/definitions.ts';
import type { Secrets } from '../secrets.ts';
import { directoryRows, ORGANISATION_AGE_DAYS } from './directory-rows.ts';
import { patientInserter } from './insert-patients.ts';
import { insertPatientsExtra } from './patients-extra-rows.ts';
import { insertSharingChoices } from './sharing-choices.ts';
import { countAccounts, insertRows, isEmpty, lockLoading, organisationSince } from './store.ts';
import { generateWorld, type World, type WorldOptions } from './world.ts';

type Needs = {
  database: Pick<Database, 'owner'>;
  secrets: Pick<Secrets, 'pepper' | 'encryptionKey'>;
  definitions: Definitions;
};

/** What the database holds: the world, just loaded or from an earlier start, or something that is not a demo. */
export type Loaded = { outcome: 'loaded' | 'found'; world: World } | { outcome: 'not-empty' };

/**
 * Loads the demo world when the database is empty: all of it in one transaction, so that a start that is killed
 * half-way leaves nothing and the next one does it again. An earlier demo world is recognised, and described as of
 * the day on which it was loaded.
 */
export async function loadDemoWorld(needs: Needs, options: WorldOptions): Promise<Loaded> {
  const client = await needs.database.owner.connect();
  try {
    await client.query('begin');
    await lockLoading(client);
    const loaded = (await isEmpty(client))
      ? { outcome: 'loaded' as const, world: await load(client, needs, options) }
      : await find(client, options);
    await client.query('commit');
    return loaded;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** What is here already, or undefined when the database is empty and the demo world is to be loaded. */
export async function findDemoWorld(
  { owner }: Pick<Database, 'owner'>,
  options: WorldOptions,
): Promise<Loaded | undefined> {
  const client = await owner.connect();
  try {
    return (await isEmpty(client)) ? undefined : await find(client, options);
  } finally {
    client.release();
  }
}

/** Whether any account of the demo world can sign in here: its passwords are known to all. */
export async function hasDemoAccounts({ owner }: Pick<Database, 'owner'>): Promise<boolean> {
  const { staff } = generateWorld({ today: '2000-01-01', patients: 0 });
  const client = await owner.connect();
  try {
    return (
      (await countAccounts(
        client,
        staff.map(({ id }) => id),
      )) > 0
    );
  } finally {
    client.release();
  }
}

async function load(
  client: ClientBase,
  { secrets, definitions }: Needs,
  options: WorldOptions,
): Promise<World> {
  const world = generateWorld(options);
  for (const [table, rows] of await directoryRows(world, secrets)) await insertRows(client, table, rows);
  const insert = patientInserter(client, definitions);
  for (const patient of world.patients()) await insert.add(patient);
  await insert.rest();
  await insertPatientsExtra(client, world, secrets.pepper);
  await insertSharingChoices(client, world);
  await client.query('analyze');
  return world;
}

async function find(client: ClientBase, options: WorldOptions): Promise<Loaded> {
  const { organisations } = generateWorld({ ...options, patients: 0 });
  const since = await organisationSince(client, organisations[0]!.id);
  if (!since) return { outcome: 'not-empty' };
  const today = new Date(since.getTime() + ORGANISATION_AGE_DAYS * 86_400_000).toISOString().slice(0, 10);
  return { outcome: 'found', world: generateWorld({ ...options, today }) };
}
