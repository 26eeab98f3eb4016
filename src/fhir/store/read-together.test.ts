import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, type World } from '../../../test/support/world.ts';
import { routeOf } from '../../ids.ts';
import { type Asked, type Query, queryOn } from './query.ts';
import { createReadTogether, type FoundRow, type Key } from './read-together.ts';

/*
 * Reads that share a statement must be answered as if each had been alone, whoever else asks at the same time.
 */

let world: World;
let asking: { asked: Asked; keys: Key[] }[];

before(async () => {
  world = await createWorld();
  const here = await world.organisation();
  const there = await world.organisation();
  const own = await world.patient(here);
  const shared = await world.patient(there);
  await world.register(shared, here, { shares: labelBits('GENERAL_HEALTH'), teams: [here.teamId] });
  const stranger = await world.patient(there);
  const observations = [
    await world.observation(here, own),
    await world.observation(here, own, { label: 'SEXUAL_HEALTH' }),
    await world.observation(there, shared),
    await world.observation(there, shared, { label: 'MENTAL_HEALTH' }),
    await world.observation(there, stranger),
  ];
  const locations = [
    await world.stored(here, { resourceType: 'Location' }),
    await world.stored(there, { resourceType: 'Location' }),
  ];
  const keyOf = (type: string, { id }: { id: string }) => ({ type, id, route: routeOf(id) });
  const keys = [
    ...observations.map((one) => keyOf('Observation', one)),
    ...locations.map((one) => keyOf('Location', one)),
    ...[own, shared, stranger].map((one) => keyOf('Patient', one)),
    keyOf('Observation', { id: '00000000-0000-0000-0000-000000000000' }),
    keyOf('Location', observations[0]!), // there, as another type
  ];
  const callers = [
    { token: (await world.access(here)).token, organisation: here },
    { token: (await world.access(here, { labels: labelBits('GENERAL_HEALTH') })).token, organisation: here },
    { token: (await world.access(there)).token, organisation: there },
    { token: (await world.access(there)).token, organisation: here },
    { token: 'nobody', organisation: here },
  ];
  asking = callers.map(({ token, organisation }) => ({
    asked: [createHash('sha256').update(token).digest(), organisation.id, ''],
    keys,
  }));
});
after(() => world.stop());

const permissions = (type: string) => `{"${type}.r","*.r"}`;

/** Everything that everybody asks for, several times over, mixed. */
const questions = () =>
  Array.from({ length: 20 }, () =>
    asking.flatMap(({ asked: [hash, organisation], keys }) =>
      keys.map((key) => ({ asked: [hash, organisation, permissions(key.type)] as Asked, key })),
    ),
  )
    .flat()
    .map((_question, index, all) => all[(index * 7919) % all.length]!);

function counted(): { query: Query; statements: () => number } {
  let statements = 0;
  const query = queryOn(world.db.database.service);
  return {
    query: (name, text, values) => {
      statements += 1;
      return query(name, text, values);
    },
    statements: () => statements,
  };
}

const shown = ({
  outcome,
  client_id,
  connection_id,
  organisation_id,
  version,
  patient_id,
  content,
}: FoundRow) => ({ outcome, client_id, connection_id, organisation_id, version, patient_id, content });

test('reads that come together are answered like each alone, whoever asks beside them', async () => {
  const { query, statements } = counted();
  const all = questions();
  assert.ok(all.length > 1000);
  const readOne = createReadTogether(query);
  const together = await Promise.all(all.map(({ asked, key }) => readOne(asked, key)));
  assert.ok(statements() < all.length / 10, `${statements()} statements`);

  const alone = new Map<string, FoundRow>();
  for (const [index, { asked, key }] of all.entries()) {
    const name = JSON.stringify([asked, key]);
    if (!alone.has(name)) alone.set(name, await createReadTogether(query)(asked, key));
    assert.deepEqual(shown(together[index]!), shown(alone.get(name)!));
  }
  const outcomes = new Set([...alone.values()].map(({ outcome, version }) => `${outcome} ${version}`));
  assert.ok(outcomes.has('allowed 1') && outcomes.has('allowed null') && outcomes.has('token-invalid null'));
});

test('each request is answered from a statement that began after it came', async () => {
  const { query, statements } = counted();
  const readOne = createReadTogether(query);
  const [{ asked, keys } = assert.fail()] = asking;
  const ask = () => readOne([asked[0], asked[1], permissions('Observation')], keys[0]!);
  const first = ask();
  assert.equal(statements(), 0); // it waits for the others of its turn
  await new Promise(setImmediate);
  assert.equal(statements(), 1);
  await Promise.all([first, ask(), ask()]);
  assert.equal(statements(), 2);
});

test('what goes wrong with a statement is told to all who shared it, and to nobody else', async () => {
  const query = queryOn(world.db.database.service);
  const breaks: Query = (name, text, values) =>
    String(values[2]).includes('Location') ? Promise.reject(new Error('gone')) : query(name, text, values);
  const readOne = createReadTogether(breaks);
  const [{ asked, keys } = assert.fail()] = asking;
  const answers = await Promise.allSettled(
    keys.map((key) => readOne([asked[0], asked[1], permissions(key.type)], key)),
  );
  assert.deepEqual(
    answers.map(({ status }) => status === 'rejected'),
    keys.map(({ type }) => type === 'Location'),
  );
});
