import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { definitions } from '../../../test/support/definitions.ts';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';
import { newResourceId } from '../../ids.ts';
import { createCreateTogether } from './create-together.ts';
import { type Asked, type Query, queryOn } from './query.ts';
import { type Row, rowBuilder } from './row.ts';

/*
 * Creates that share a statement and a commit: each is allowed or refused by itself, and each stands or not by itself.
 */

let world: World;
let here: Awaited<ReturnType<World['organisation']>>;
let asked: Asked;
let own: { id: string };
let stranger: { id: string };

const buildRow = rowBuilder(definitions);

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  own = await world.patient(here);
  stranger = await world.patient(await world.organisation());
  const { token } = await world.access(here, { labels: labelBits('GENERAL_HEALTH', 'SOCIAL_CARE') });
  asked = [createHash('sha256').update(token).digest(), here.id, '{"Observation.c","*.c"}'];
});
after(() => world.stop());

function rowOf(patient: { id: string }, { label = 0, organisationId = here.id } = {}): Row {
  const resource = observationOf(patient) as Record<string, unknown>;
  const id = newResourceId(patient.id);
  return buildRow({ resource, id, version: 1, label, organisationId, patientId: patient.id });
}

function counted(query: Query = queryOn(world.db.database.service)) {
  const sizes: number[] = [];
  const counting: Query = (name, text, values) => {
    sizes.push(Array.isArray(values[3]) ? values[3].length : 1);
    return query(name, text, values);
  };
  return { query: counting, sizes };
}

async function stored(rows: readonly Row[]): Promise<string[]> {
  const { rows: found } = await world.db.database.owner.query(
    'select id, content from resource where id = any($1)',
    [rows.map(({ id }) => id)],
  );
  for (const { id, content } of found) assert.equal(JSON.parse(content).id, id);
  return found.map(({ id }) => id).sort();
}

test('creates of one moment are one statement, and each is allowed or refused for itself', async () => {
  const { query, sizes } = counted();
  const createOne = createCreateTogether(query);
  const right = [rowOf(own), rowOf(own), rowOf(own, { label: 3 })];
  const wrong = {
    registered: rowOf(stranger),
    label_covered: rowOf(own, { label: 1 }),
    right_organisation: rowOf(own, { organisationId: stranger.id }),
  };
  const rows = [
    right[0]!,
    wrong.registered,
    right[1]!,
    wrong.label_covered,
    wrong.right_organisation,
    right[2]!,
  ];
  const answers = await Promise.all(rows.map((row) => createOne(asked, row)));
  assert.deepEqual(sizes, [6]);
  for (const [index, answer] of answers.entries()) {
    const row = rows[index]!;
    assert.equal(answer.outcome, 'allowed');
    assert.equal(answer.version, right.includes(row) ? 1 : null);
    for (const rule of ['registered', 'label_covered', 'right_organisation'] as const) {
      assert.equal(answer[rule], row !== wrong[rule], rule);
    }
    if (answer.content) assert.equal(JSON.parse(answer.content).id, row.id);
  }
  assert.deepEqual(await stored(rows), right.map(({ id }) => id).sort());
});

test('nobody creates anything under a decision that went against them', async () => {
  const createOne = createCreateTogether(queryOn(world.db.database.service));
  const rows = [rowOf(own), rowOf(own)];
  const nobody: Asked = [Buffer.alloc(32), here.id, asked[2]];
  for (const answer of await Promise.all(rows.map((row) => createOne(nobody, row)))) {
    assert.equal(answer.outcome, 'token-invalid');
    assert.equal(answer.version, null);
  }
  assert.deepEqual(await stored(rows), []);
});

test('a create that the database refuses fails alone', async () => {
  const { query, sizes } = counted();
  const createOne = createCreateTogether(query);
  const rows = [rowOf(own), { ...rowOf(own), numbers: 'no JSON' }, rowOf(own)];
  const answers = await Promise.allSettled(rows.map((row) => createOne(asked, row)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(sizes, [3, 1, 1, 1]);
  assert.deepEqual(await stored(rows), [rows[0]!.id, rows[2]!.id].sort());
});

test('when the connection is lost nothing is sent again, for it may have been written', async () => {
  const { query, sizes } = counted(() => Promise.reject(new Error('Connection terminated unexpectedly')));
  const createOne = createCreateTogether(query);
  const answers = await Promise.allSettled([rowOf(own), rowOf(own)].map((row) => createOne(asked, row)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(sizes, [2]);
});

test('a create that may wait for others’ locks has a statement to itself', async () => {
  const { query, sizes } = counted();
  const createOne = createCreateTogether(query);
  const once = () => ({ ...rowOf(own), onceKey: 'identifier=urn:x|1' });
  const answers = await Promise.all([createOne(asked, once()), createOne(asked, once())]);
  assert.deepEqual(sizes, [1, 1]);
  assert.deepEqual(answers.map(({ version }) => version).sort(), [1, null]);
});
