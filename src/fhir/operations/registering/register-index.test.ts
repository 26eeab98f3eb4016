import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { CHI, NHS, nationalNumber, type OperationsWorld, operationsWorld } from '../fixture.ts';

/* By which number an organisation finds whom: kept by triggers, and by registration itself where nobody else can be. */

let w: OperationsWorld;
let theirs: string;
before(async () => {
  w = await operationsWorld();
  theirs = (await w.world.access(w.there, { scopes: ['system/Patient.$register'] })).token;
});
after(() => w.world.stop());

type Person = { number: string; chi?: string; birthDate?: string };
const patientOf = ({ number, chi, birthDate = '1980-02-03' }: Person) =>
  JSON.stringify({
    resourceType: 'Patient',
    identifier: [{ system: NHS, value: number }, ...(chi === undefined ? [] : [{ system: CHI, value: chi }])],
    name: [{ family: 'Example', given: ['Robin'] }],
    gender: 'female',
    birthDate,
  });

async function register(people: Person[], { there = false, query = '' } = {}): Promise<string[]> {
  const answer = await w.world.fhir(
    there ? w.there : w.here,
    there ? theirs : w.token,
    `/Patient/$register${query}`,
    {
      method: 'POST',
      body: people.map(patientOf).join('\n'),
      headers: { 'content-type': 'application/fhir+ndjson' },
    },
  );
  assert.equal(answer.status, 200, answer.text);
  return answer.json.parameter
    .slice(1)
    .map(
      ({ part }: { part: { name: string; valueCode?: string }[] }) =>
        part.find(({ name }) => name === 'outcome')?.valueCode,
    );
}

/** What is kept and should not be, and what should be and is not. */
const wrong = () =>
  w.sql(
    `with meant as (select g.organisation_id, i.value, i.system, i.route, i.patient_id
                      from registration g join patient_identifier i on i.route = g.route and i.patient_id = g.patient_id),
          kept as (select organisation_id, value, system, route, patient_id from registration_identifier)
     (select 'missing', * from (table meant except table kept) a) union all
     (select 'unfounded', * from (table kept except table meant) b)`,
  );

const numbers = Array.from({ length: 8 }, () => nationalNumber());
const chis = Array.from({ length: 4 }, () => nationalNumber());
const person = fc.record(
  { number: fc.constantFrom(...numbers), chi: fc.constantFrom(...chis) },
  { requiredKeys: ['number'] },
);

test('whoever is registered, alone or in lists that share identifiers, is found by each of their numbers', async () => {
  const batch = fc.record({
    people: fc.array(person, { minLength: 1, maxLength: 6 }),
    there: fc.boolean(),
    query: fc.constantFrom('', '', '?dry-run=true'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 5 }), async (batches) => {
      for (const { people, ...options } of batches) await register(people, options);
      assert.deepEqual(await wrong(), []);
      for (const table of ['registration', 'patient_identifier', 'resource']) {
        await w.sql(
          `delete from ${table} where patient_id in
          (select patient_id from patient_identifier where value = any($1))`,
          [...numbers, ...chis],
        );
      }
      await w.sql('delete from patient_identifier where value = any($1)', [...numbers, ...chis]);
      assert.deepEqual(await wrong(), []);
    }),
    { numRuns: 40 },
  );
});

test('of several callers at once with the same patients, each finds them afterwards', async () => {
  const people = Array.from({ length: 60 }, () => ({ number: nationalNumber(), chi: nationalNumber() }));
  const outcomes = await Promise.all([
    register(people),
    register(people.toReversed(), { there: true }),
    register(people.map(({ number }) => ({ number }))),
    register(people, { there: true }),
  ]);
  assert.ok(
    outcomes.flat().every((outcome) => ['created', 'linked', 'updated', 'unchanged'].includes(outcome)),
  );
  assert.equal(outcomes.flat().filter((outcome) => outcome === 'created').length, people.length);
  assert.deepEqual(await wrong(), []);
});

test('a list of which no two share an identifier is registered as one that is mixed would be', async () => {
  const people = Array.from({ length: 30 }, () => ({ number: nationalNumber() }));
  assert.deepEqual(new Set(await register(people)), new Set(['created']));
  const chi = nationalNumber();
  const more = [...people.slice(0, 3), { number: nationalNumber() }, { number: people[4]!.number, chi }];
  assert.deepEqual(await register(more), ['unchanged', 'unchanged', 'unchanged', 'created', 'updated']);
  assert.deepEqual(await register([{ number: people[5]!.number, chi }]), ['identifier-conflict']);
  assert.deepEqual(await wrong(), []);
});

test('of two who are known and claim one new number, the first has it and the second is told', async () => {
  const [one, other] = [{ number: nationalNumber() }, { number: nationalNumber() }];
  await register([one, other]);
  const chi = nationalNumber();
  assert.deepEqual(
    await register([
      { ...other, chi },
      { ...one, chi },
      { ...other, chi },
    ]),
    ['updated', 'identifier-conflict', 'unchanged'],
  );
  const fresh = { number: nationalNumber() };
  const second = nationalNumber();
  const claims = [{ ...fresh, chi: second }, { ...one, chi: second }, { ...one }];
  assert.deepEqual(await register(claims), ['created', 'identifier-conflict', 'unchanged']);
  assert.deepEqual(await wrong(), []);
});
