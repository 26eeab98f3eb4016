import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';
import { routeOf } from '../../ids.ts';
import { purviewOf } from './purview.ts';

/*
 * The purview is held twice: by the predicate in each statement and by row-level security. Here each is left out in
 * turn, and the other must do alone.
 */

type Organisation = Awaited<ReturnType<World['organisation']>>;

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;
let seen: string[];
let all: string[];

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here, {
    labels: labelBits('GENERAL_HEALTH', 'MENTAL_HEALTH', 'SOCIAL_CARE'),
  }));
  const own = await world.patient(here);
  const shared = await world.patient(there);
  const stranger = await world.patient(there);
  await world.register(shared, here, { shares: labelBits('GENERAL_HEALTH'), teams: [here.teamId] });
  seen = [
    own.id,
    shared.id,
    (await world.observation(here, own)).id,
    (await world.observation(here, own, { label: 'MENTAL_HEALTH' })).id,
    (await world.observation(there, shared)).id,
    (await world.stored(here, { resourceType: 'Location' })).id,
  ];
  const hidden = [
    stranger.id,
    (await world.observation(here, own, { label: 'SEXUAL_HEALTH' })).id,
    (await world.observation(there, shared, { label: 'MENTAL_HEALTH' })).id,
    (await world.observation(there, stranger)).id,
    (await world.stored(there, { resourceType: 'Location' })).id,
  ];
  all = [...seen, ...hidden];
});
after(() => world.stop());

const asked = () => [createHash('sha256').update(token).digest(), here.id, ['Observation.r', '*.r']];
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).sort();

test('without the predicate, row-level security shows the purview and nothing else', async () => {
  const { rows } = await world.db.database.service.query(
    `select r.id from decide($1, $2, $3) d
       left join lateral (select r.id from resource r where d.outcome = 'allowed' offset 0) r on true`,
    asked(),
  );
  assert.deepEqual(ids(rows), [...seen].sort());
});

test('without row-level security, the predicate shows the purview and nothing else', async () => {
  const { rows } = await world.db.database.owner.query(
    `select r.id from decide($1, $2, $3) d
       left join lateral (select r.id from resource r
                           where d.outcome = 'allowed' and r.id = any($4) and ${purviewOf('r')} offset 0) r on true`,
    [...asked(), all],
  );
  assert.deepEqual(ids(rows), [...seen].sort());
});

test('a statement that asked no decision sees nothing at all', async () => {
  const { service } = world.db.database;
  for (const table of ['resource', 'resource_version', 'patient', 'registration']) {
    assert.deepEqual((await service.query(`select * from ${table}`)).rows, [], table);
  }
  const { rows } = await service.query(
    `select * from fhir_identified('Patient', array['identifier:present='])`,
  );
  assert.deepEqual(rows, []);
});

test('what a decision opened is closed when its statement ends', async () => {
  const client = await world.db.database.service.connect();
  try {
    const { rows } = await client.query('select outcome from decide($1, $2, $3)', asked());
    assert.equal(rows[0].outcome, 'allowed');
    assert.deepEqual((await client.query('select * from resource')).rows, []);
  } finally {
    client.release();
  }
});

test('a refused decision opens nothing', async () => {
  const refusals = [
    [createHash('sha256').update('nothing').digest(), here.id, ['*.r']],
    [asked()[0], there.id, ['*.r']],
    [asked()[0], here.id, ['none']],
    [asked()[0], here.id, []],
    [asked()[0], here.id, null],
  ];
  for (const [index, values] of refusals.entries()) {
    const { rows } = await world.db.database.service.query(
      `select d.outcome, r.id from decide($1, $2, $3) d left join lateral (select * from resource offset 0) r on true`,
      values,
    );
    assert.equal(rows.length, 1, `case ${index}`);
    assert.notEqual(rows[0].outcome, 'allowed', `case ${index}`);
    assert.equal(rows[0].id, null, `case ${index}`);
  }
});

test('nothing is written for another organisation, outside the labels, or about a patient who is not registered', async () => {
  const [own, , observation] = seen;
  const stranger = all[seen.length]!;
  const insert = (organisation: string, patient: string | null, label: number) =>
    world.db.database.service.query(
      `with d as materialized (select * from decide($1, $2, $3))
       insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content)
       select $4, gen_random_uuid(), 'Basic', $5, $6, $7, 1, now(), '{}', '{}' from d`,
      [...asked(), routeOf(patient ?? here.id), patient, organisation, label],
    );
  await insert(here.id, own!, 0);
  await assert.rejects(insert(there.id, own!, 0), /row-level security/);
  await assert.rejects(insert(here.id, stranger, 0), /row-level security/);
  await assert.rejects(insert(here.id, own!, 2), /row-level security/);
  await assert.rejects(insert(here.id, null, 2), /row-level security/);
  assert.ok(observation);
});

test('no change reaches what others wrote', async () => {
  const decided = `(select outcome from d) = 'allowed'`;
  const change = (sql: string) =>
    world.db.database.service.query(
      `with d as materialized (select * from decide($1, $2, $3)) ${sql}`,
      asked(),
    );
  const updated = await change(
    `update resource r set version = 9 where ${decided} returning r.organisation_id`,
  );
  assert.ok(updated.rows.length > 0);
  for (const row of updated.rows) assert.equal(row.organisation_id, here.id);
  await assert.rejects(
    change(`update resource r set organisation_id = '${there.id}' where ${decided}`),
    /row-level security/,
  );
  const removed = await change(`delete from resource r where ${decided} returning r.organisation_id`);
  assert.ok(removed.rows.length > 0);
  for (const row of removed.rows) assert.equal(row.organisation_id, here.id);
});

test('the order in which a planner joins does not decide whether a write is done', async () => {
  const own = await world.patient(here);
  const { service, owner } = world.db.database;
  const settings = [
    'enable_nestloop',
    'enable_hashjoin',
    'enable_mergejoin',
    'enable_indexscan',
    'enable_seqscan',
  ];
  const name = new URL(world.db.url).pathname.slice(1);
  for (const setting of settings) {
    await owner.query(`alter database ${name} set ${setting} = off`);
    // Connections made before keep their settings.
    const clients = await Promise.all(Array.from({ length: 5 }, () => service.connect()));
    for (const client of clients) client.release(true);
    const send = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object) =>
      world.fhir(here, token, path, { method, body });
    const made = await send('POST', '/Observation', observationOf(own));
    assert.equal(made.status, 201, setting);
    const path = `/Observation/${made.json.id}`;
    assert.equal((await send('PUT', path, { ...observationOf(own), id: made.json.id })).status, 200, setting);
    assert.equal(
      (await world.fhir(here, token, `/Observation?patient=${own.id}`)).json.entry.length,
      1,
      setting,
    );
    assert.equal((await send('DELETE', path)).status, 204, setting);
    assert.equal((await world.fhir(here, token, path)).status, 410, setting);
    await owner.query(`alter database ${name} reset ${setting}`);
  }
});

test('the tables behind the functions are closed', async () => {
  const { service } = world.db.database;
  const statements = [
    'select * from patient_identifier',
    'select * from patient_once',
    `insert into registration (route, patient_id, organisation_id) values (0, '${seen[0]}', '${here.id}')`,
    'delete from patient',
    'update resource_version set version = 1',
    'delete from resource_version',
  ];
  for (const sql of statements) await assert.rejects(service.query(sql), /permission denied/, sql);
  for (const sql of [`select fhir_keep_patient('${seen[0]}', '[]', null, false)`]) {
    await assert.rejects(service.query(sql), /only the organisation/);
  }
  const { rows } = await service.query(`select fhir_delete_patient('${seen[0]}', null) as result`);
  assert.equal(rows[0].result, 'not-found');
});
