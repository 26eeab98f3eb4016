import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const CHI = 'urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53';

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;
let theirs: string;
let serial = 0;

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here));
  ({ token: theirs } = await world.access(there));
});
after(() => world.stop());

/** Another number of the 999 test range. */
function nhsNumber(): string {
  for (;;) {
    const digits = `999${String(++serial).padStart(6, '0')}`;
    const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
    const check = (11 - (sum % 11)) % 11;
    if (check !== 10) return digits + check;
  }
}

const patientOf = (number: string | undefined, more: object = {}) => ({
  resourceType: 'Patient',
  ...(number && { identifier: [{ system: NHS, value: number }] }),
  name: [{ family: 'Example' }],
  birthDate: '1980-02-03',
  ...more,
});
const post = (body: unknown, { as = token, to = here, headers = {} as Record<string, string> } = {}) =>
  world.fhir(to, as, '/Patient', { method: 'POST', body, headers });
const put = (id: string, body: object, { as = token, to = here } = {}) =>
  world.fhir(to, as, `/Patient/${id}`, { method: 'PUT', body: { ...body, id } });
const rows = async (sql: string, ...values: unknown[]) =>
  (await world.db.database.owner.query(sql, values)).rows;

test('a new patient is registered with the organisation and can have entries at once', async () => {
  const created = await post(patientOf(nhsNumber()));
  assert.equal(created.status, 201);
  const { id } = created.json;
  const registered = await rows('select organisation_id, teams from registration where patient_id = $1', id);
  assert.deepEqual(registered, [{ organisation_id: here.id, teams: [here.teamId] }]);
  assert.equal((await world.fhir(here, token, `/Patient/${id}`)).text, created.text);
  const entry = await world.fhir(here, token, '/Observation', {
    method: 'POST',
    body: observationOf({ id }),
  });
  assert.equal(entry.status, 201);
  assert.equal((await world.fhir(there, theirs, `/Patient/${id}`)).status, 404);
});

test('a known national number with the same date of birth links, and shows the one record there is', async () => {
  const number = nhsNumber();
  const created = await post(patientOf(number));
  const linked = await post(patientOf(number, { name: [{ family: 'Otherwise' }] }), {
    as: theirs,
    to: there,
  });
  assert.equal(linked.status, 200);
  assert.equal(linked.json.id, created.json.id);
  assert.equal(linked.text, created.text);
  assert.match(
    String(linked.headers.location),
    new RegExp(`${there.id}/fhir/R4/Patient/${created.json.id}/_history/1$`),
  );
  assert.equal((await world.fhir(there, theirs, `/Patient/${created.json.id}`)).status, 200);
  const again = await post(patientOf(number));
  assert.equal(again.status, 200);
  assert.equal(again.json.id, created.json.id);
});

test('linking shows no entry that is not shared', async () => {
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  const entry = await world.observation(here, json);
  await post(patientOf(number), { as: theirs, to: there });
  assert.equal((await world.fhir(there, theirs, `/Observation/${entry.id}`)).status, 404);
});

test('a known national number with another date of birth links and shows nothing', async () => {
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  const refused = await post(patientOf(number, { birthDate: '1980-02-04' }), { as: theirs, to: there });
  assert.equal(refused.status, 422);
  assert.equal(refused.code, 'birth-date-mismatch');
  assert.ok(!refused.text.includes(json.id));
  assert.deepEqual(
    await rows(
      'select 1 from registration where patient_id = $1 and organisation_id = $2',
      json.id,
      there.id,
    ),
    [],
  );
});

test('of many who create the same patient at once, one record comes out', async () => {
  const body = patientOf(nhsNumber());
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => post(body, n % 2 ? {} : { as: theirs, to: there })),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(
    new Set(answers.map(({ json }) => json.id)).size,
    1,
    answers.map(({ text }) => text).join('\n'),
  );
});

test('a number that cannot be right is refused', async () => {
  const number = nhsNumber();
  const wrong = number.slice(0, 9) + ((Number(number[9]) + 1) % 10);
  for (const value of [wrong, '123', `${number.slice(0, 3)} ${number.slice(3)}`, 'NHS', '']) {
    const refused = await post(patientOf(undefined, { identifier: [{ system: NHS, value }] }));
    assert.equal(refused.status, 422, value);
  }
  assert.equal((await post(patientOf(wrong))).code, 'identifier-invalid');
  const two = patientOf(number, {
    identifier: [number, nhsNumber()].map((value) => ({ system: NHS, value })),
  });
  assert.equal((await post(two)).code, 'identifier-invalid');
});

test('numbers of two patients make no third', async () => {
  const [nhs, chi] = [nhsNumber(), nhsNumber()];
  await post(patientOf(nhs));
  await post(patientOf(undefined, { identifier: [{ system: CHI, value: chi }] }));
  const both = [
    { system: NHS, value: nhs },
    { system: CHI, value: chi },
  ];
  assert.equal((await post(patientOf(undefined, { identifier: both }))).code, 'identifier-conflict');
});

test('a national number needs a full date of birth, a patient without one does not', async () => {
  for (const birthDate of [undefined, '1980', '1980-02']) {
    assert.equal((await post(patientOf(nhsNumber(), { birthDate }))).code, 'birth-date-needed');
    assert.equal((await post(patientOf(undefined, { birthDate }))).status, 201);
  }
});

test('a patient by the organisation’s own number is made once, however concurrent', async () => {
  const body = patientOf(undefined, { identifier: [{ system: 'urn:hospital', value: `H${++serial}` }] });
  const headers = { 'if-none-exist': `identifier=urn:hospital|H${serial}` };
  const answers = await Promise.all(Array.from({ length: 6 }, () => post(body, { headers })));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(
    new Set(answers.map(({ json }) => json.id)).size,
    1,
    answers.map(({ text }) => text).join('\n'),
  );
  const { id } = answers[0]!.json;
  await put(id, patientOf(undefined));
  const again = await post(body, { headers });
  assert.equal(again.status, 201);
  assert.notEqual(again.json.id, id);
});

test('an update by its owner keeps number and date of birth in step', async () => {
  const [first, second] = [nhsNumber(), nhsNumber()];
  const { json } = await post(patientOf(undefined));
  assert.equal((await put(json.id, patientOf(first, { birthDate: '1990-01-01' }))).status, 200);
  assert.equal((await post(patientOf(first, { birthDate: '1990-01-01' }))).json.id, json.id);
  assert.equal(
    (await put(json.id, patientOf(second, { birthDate: '1991-01-01', deceasedBoolean: true }))).status,
    200,
  );
  const freed = await post(patientOf(first));
  assert.equal(freed.status, 201);
  const [known] = await rows('select birth_date::text, deceased from patient where id = $1', json.id);
  assert.deepEqual(known, { birth_date: '1991-01-01', deceased: true });
});

test('an update steals no number, and undoes itself whole when it tries', async () => {
  const number = nhsNumber();
  await post(patientOf(number));
  const { json } = await post(patientOf(undefined));
  const refused = await put(json.id, patientOf(number, { birthDate: '1999-09-09' }));
  assert.equal(refused.code, 'identifier-conflict');
  assert.equal((await world.fhir(here, token, `/Patient/${json.id}`)).json.meta.versionId, '1');
  const [known] = await rows('select birth_date::text from patient where id = $1', json.id);
  assert.equal(known.birth_date, '1980-02-03');
});

test('a number by which another organisation knows the patient stays', async () => {
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  await post(patientOf(number), { as: theirs, to: there });
  assert.equal((await put(json.id, patientOf(undefined))).code, 'identifier-in-use');
  assert.equal((await put(json.id, patientOf(number, { gender: 'female' }))).status, 200);
});

test('only the organisation that wrote a patient changes or deletes it', async () => {
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  await post(patientOf(number), { as: theirs, to: there });
  assert.equal((await put(json.id, patientOf(number), { as: theirs, to: there })).code, 'not-own');
  const refused = await world.fhir(there, theirs, `/Patient/${json.id}`, { method: 'DELETE' });
  assert.equal(refused.code, 'not-own');
});

test('a patient is deleted only when nothing hangs on it, and the number is free afterwards', async () => {
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  const remove = () => world.fhir(here, token, `/Patient/${json.id}`, { method: 'DELETE' });
  const entry = await world.fhir(here, token, '/Observation', { method: 'POST', body: observationOf(json) });
  assert.equal((await remove()).code, 'patient-in-use');
  await world.fhir(here, token, `/Observation/${entry.json.id}`, { method: 'DELETE' });
  assert.equal((await remove()).status, 204);
  assert.equal((await world.fhir(here, token, `/Patient/${json.id}`)).status, 404);
  assert.equal((await post(patientOf(number, { birthDate: '2000-01-01' }))).status, 201);
});

test('a connection for teams registers patients with its teams', async () => {
  const team = await world.team(here);
  const { token: teamed } = await world.access(here, { teams: [team.id] });
  const number = nhsNumber();
  const { json } = await post(patientOf(number));
  assert.equal((await world.fhir(here, teamed, `/Patient/${json.id}`)).status, 404);
  assert.equal((await post(patientOf(number), { as: teamed })).status, 200);
  assert.equal((await world.fhir(here, teamed, `/Patient/${json.id}`)).status, 200);
  assert.equal((await world.fhir(here, token, `/Patient/${json.id}`)).status, 200);
});

test('a connection whose labels do not cover a patient’s demographics makes and shows none', async () => {
  const { token: mental } = await world.access(here, { labels: labelBits('MENTAL_HEALTH') });
  const number = nhsNumber();
  assert.equal((await post(patientOf(number), { as: mental })).code, 'label-not-covered');
  assert.deepEqual(await rows('select 1 from patient_identifier where value = $1', number), []);
});
