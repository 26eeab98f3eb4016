import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, type World } from '../../../test/support/world.ts';
import { DECIDE, purviewOf } from './purview.ts';

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
  const [{ number }] = (
    await world.db.database.owner.query(`select current_setting('server_version_num')::integer as number`)
  ).rows;
  if (number < 160_000) return t.skip('PostgreSQL explains generic plans from 16 on');
  for (const pool of ['service', 'owner'] as const) {
    const plan = await planOf(pool, MANY);
    assert.match(plan, /registration/);
    assert.doesNotMatch(plan, /hashed SubPlan|Seq Scan on (registration|resource)/);
  }
});

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
