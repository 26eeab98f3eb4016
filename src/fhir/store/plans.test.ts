import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { definitions } from '../../../test/support/definitions.ts';
import { createWorld, type World } from '../../../test/support/world.ts';
import { newRootId, routeOf } from '../../ids.ts';
import { parseSearch } from '../search/parse-search.ts';
import { createSearchTogether } from '../search/search-together.ts';
import { createCreateTogether } from './create-together.ts';
import { DECIDE, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';
import { createReadTogether } from './read-together.ts';
import { rowBuilder } from './row.ts';

/*
 * Statements must cost what they find, however large the organisation: with 5,000 patients a plan that looks at each
 * of them is hardly noticed, with a million it is the whole of the time.
 */

let world: World;

before(async () => {
  world = await createWorld();
  // Enough patients of one organisation, and statistics of them, for the planner to be tempted.
  const here = await world.organisation();
  await world.db.database.owner.query(
    `with made as (insert into patient (route, id) select fhir_route(id), id
                     from (select gen_random_uuid() as id from generate_series(1, 3000)) s returning route, id),
          registered as (insert into registration (route, patient_id, organisation_id)
                         select route, id, $1 from made)
     insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens,
                           identifiers, content)
     select route, id, 'Patient', id, $1, 0, 1, now(), '{}', array['identifier=|' || id], '{}' from made`,
    [here.id],
  );
  await world.db.database.owner.query('analyze');
});
after(() => world.stop());

async function explainsGenericPlans(): Promise<boolean> {
  const { rows } = await world.db.database.owner.query(
    `select current_setting('server_version_num')::integer as number`,
  );
  return rows[0].number >= 160_000;
}

async function planOf(pool: 'service' | 'owner', statement: string): Promise<string> {
  const client = await world.db.database[pool].connect();
  try {
    const { rows } = await client.query(`explain (generic_plan) ${statement}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  } finally {
    client.release();
  }
}

const MANY = `
select r.id from ${DECIDE} d left join lateral (
  select r.id from unnest($4::integer[], $5::uuid[]) k(route, id) join resource r on r.route = k.route and r.id = k.id
   where d.outcome = 'allowed' and ${purviewOf('r')} offset 0) r on true`;

test('whether a row is in the purview is asked of that row’s patient alone', async (t) => {
  if (!(await explainsGenericPlans())) return t.skip('PostgreSQL explains generic plans from 16 on');
  for (const pool of ['service', 'owner'] as const) {
    const plan = await planOf(pool, MANY);
    assert.match(plan, /registration/);
    assert.doesNotMatch(plan, /hashed SubPlan|Seq Scan on (registration|resource)/);
  }
});

test('statements that many share look at no more than what each asks for', async (t) => {
  if (!(await explainsGenericPlans())) return t.skip('PostgreSQL explains generic plans from 16 on');
  const texts = await sharedStatements();
  assert.equal(texts.length, 4);
  for (const text of texts) {
    for (const pool of ['service', 'owner'] as const) {
      const plan = await planOf(pool, text);
      assert.match(plan, /registration/);
      assert.doesNotMatch(plan, /hashed SubPlan|Seq Scan on (registration|resource)|resource_updated/);
    }
  }
});

/** The texts of two searches and of two creates that share one, and of reads. */
async function sharedStatements(): Promise<string[]> {
  const texts: string[] = [];
  const query: Query = async (_name, text) => {
    texts.push(text);
    return [];
  };
  const asked: Asked = [Buffer.alloc(32), 'RXX', '{}'];
  const [id] = [newRootId()];
  const options = { definitions, lenient: false, bases: [], now: new Date() };
  const page = (type: string, parameters: [string, string][]) => ({
    search: parseSearch(type, parameters, options),
    base: '',
    after: null,
  });
  const searchOne = createSearchTogether(query);
  const searches = [
    page('Patient', [['identifier', 'urn:x|1']]),
    page('Observation', [
      ['patient', id],
      ['category', 'vital-signs'],
      ['date', 'ge2020'],
    ]),
  ];
  const readOne = createReadTogether(query);
  const createOne = createCreateTogether(query);
  const resource = { resourceType: 'Observation' };
  const row = rowBuilder(definitions)({
    resource,
    id,
    version: 1,
    label: 0,
    organisationId: id,
    patientId: id,
  });
  await Promise.allSettled([
    ...[...searches, ...searches].map((one) => searchOne(asked, one)),
    ...[1, 2].map(() => readOne(asked, { type: 'Observation', route: routeOf(id), id })),
    ...[1, 2].map(() => createOne(asked, row)),
  ]);
  return texts;
}

test('an identifier is found through its own index, and its patient’s registration by key', async () => {
  const { owner } = world.db.database;
  const [{ body }] = (
    await owner.query(`select prosrc as body from pg_proc where proname = 'fhir_identified'`)
  ).rows;
  const statement = body
    .replaceAll('p_keys', `array['identifier=|x']`)
    .replaceAll('p_type', `'Patient'`)
    .replaceAll('app_organisation()', `'00000000-0000-8000-8000-000000000000'::uuid`);
  const { rows } = await owner.query(`explain ${statement}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  assert.match(plan, /resource_identifiers/);
  assert.doesNotMatch(plan, /hashed SubPlan|Seq Scan|BitmapAnd|resource_updated/);
});
