import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here));
});
after(() => world.stop());

/** A patient of both organisations, who shares `shares` with here. */
async function sharedPatient(shares = 0) {
  const patient = await world.patient(there);
  await world.register(patient, here, { shares, teams: [here.teamId] });
  return patient;
}

const read = (id: string, as = token) => world.fhir(here, as, `/Observation/${id}`);

test('what the organisation wrote is read under each label', async () => {
  const patient = await world.patient(here);
  for (const label of ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'] as const) {
    const { id, content } = await world.observation(here, patient, { label });
    const { status, text } = await read(id);
    assert.equal(status, 200);
    assert.equal(text, content);
  }
});

test('what others wrote is read under the labels that the patient shares, and no other', async () => {
  const patient = await sharedPatient(labelBits('GENERAL_HEALTH', 'SOCIAL_CARE'));
  const expected = { GENERAL_HEALTH: 200, MENTAL_HEALTH: 404, SEXUAL_HEALTH: 404, SOCIAL_CARE: 200 } as const;
  for (const [label, status] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const { id } = await world.observation(there, patient, { label });
    assert.equal((await read(id)).status, status, label);
  }
});

test('a connection’s labels mask everything, the organisation’s own entries too', async () => {
  const patient = await world.patient(here);
  const { token: masked } = await world.access(here, { labels: labelBits('MENTAL_HEALTH') });
  const general = await world.observation(here, patient);
  const mental = await world.observation(here, patient, { label: 'MENTAL_HEALTH' });
  const list = await world.stored(here, { resourceType: 'Location', name: 'Ward' });
  assert.equal((await read(general.id, masked)).status, 404);
  assert.equal((await read(mental.id, masked)).status, 200);
  assert.equal((await world.fhir(here, masked, `/Location/${list.id}`)).status, 404);
});

test('a connection for teams reads the patients of those teams only', async () => {
  const team = await world.team(here);
  const { token: teamed } = await world.access(here, { teams: [team.id] });
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  assert.equal((await read(id, teamed)).status, 404);
  await world.register(patient, here, { teams: [here.teamId, team.id] });
  assert.equal((await read(id, teamed)).status, 200);
});

test('what belongs to no patient is read by the organisation that wrote it alone', async () => {
  const own = await world.stored(here, { resourceType: 'Location', name: 'Ward' });
  const others = await world.stored(there, { resourceType: 'Location', name: 'Ward' });
  assert.equal((await world.fhir(here, token, `/Location/${own.id}`)).status, 200);
  assert.equal((await world.fhir(here, token, `/Location/${others.id}`)).status, 404);
});

test('a patient’s demographics are read wherever the patient is registered, and nowhere else', async () => {
  const patient = await sharedPatient(0);
  const stranger = await world.patient(there);
  assert.equal((await world.fhir(here, token, `/Patient/${patient.id}`)).status, 200);
  assert.equal((await world.fhir(here, token, `/Patient/${stranger.id}`)).status, 404);
});

test('what may not be known is refused in the words of what does not exist, in every route', async () => {
  const stranger = await world.patient(there);
  const hidden = await world.observation(there, stranger);
  const nothing = { id: '8af19735-0000-8000-8000-000000000000' };
  const body = (id: string) => ({ ...observationOf(stranger), id });
  const routes = [
    (id: string) => world.fhir(here, token, `/Observation/${id}`),
    (id: string) => world.fhir(here, token, `/Observation/${id}`, { headers: { 'if-none-match': 'W/"1"' } }),
    (id: string) =>
      world.fhir(here, token, `/Observation/${id}`, {
        headers: { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
      }),
    (id: string) => world.fhir(here, token, `/Observation/${id}/_history/1`),
    (id: string) => world.fhir(here, token, `/Observation/${id}/_history`),
    (id: string) => world.fhir(here, token, `/Observation/${id}`, { method: 'DELETE' }),
    (id: string) =>
      world.fhir(here, token, `/Observation/${id}`, { method: 'DELETE', headers: { 'if-match': 'W/"7"' } }),
    (id: string) => world.fhir(here, token, `/Observation/${id}`, { method: 'PUT', body: body(id) }),
    (id: string) =>
      world.fhir(here, token, `/Observation/${id}`, {
        method: 'PUT',
        body: body(id),
        headers: { 'if-match': 'W/"7"' },
      }),
  ];
  for (const [index, route] of routes.entries()) {
    const [known, unknown] = [await route(hidden.id), await route(nothing.id)];
    assert.equal(known.status, 404, `route ${index}: ${known.text}`);
    const same = (one: typeof known) => ({
      ...one.headers,
      'x-request-id': '',
      date: '',
      text: one.text.replace(/Reference \w+/, ''),
    });
    assert.deepEqual(same(known), same(unknown), `route ${index}`);
  }
});

test('an id of another type, of no form, or in capitals is not found', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  assert.equal((await world.fhir(here, token, `/Condition/${id}`)).status, 404);
  assert.equal((await read(id.toUpperCase())).status, 404);
  for (const odd of ['1', 'a b', '%00', "'", 'x'.repeat(64)]) {
    assert.equal((await read(encodeURIComponent(odd))).status, 404);
  }
});

test('a version that the client has is not sent again', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient);
  const first = await read(id);
  const cases = [
    { header: 'if-none-match', value: first.headers.etag as string, status: 304 },
    { header: 'if-none-match', value: 'W/"9", W/"1"', status: 304 },
    { header: 'if-none-match', value: 'W/"2"', status: 200 },
    { header: 'if-modified-since', value: first.headers['last-modified'] as string, status: 304 },
    { header: 'if-modified-since', value: 'Sat, 01 Jan 2000 00:00:00 GMT', status: 200 },
    { header: 'if-modified-since', value: 'nonsense', status: 200 },
  ];
  for (const { header, value, status } of cases) {
    const response = await world.fhir(here, token, `/Observation/${id}`, { headers: { [header]: value } });
    assert.equal(response.status, status, `${header}: ${value}`);
    if (status === 304) assert.equal(response.text, '');
  }
});

test('each version can be read, and the newest first in the history', async () => {
  const patient = await world.patient(here);
  const { id } = await world.observation(here, patient, { value: 1 });
  for (const value of [2, 3]) {
    const body = { ...observationOf(patient, { value }), id };
    assert.equal((await world.fhir(here, token, `/Observation/${id}`, { method: 'PUT', body })).status, 200);
  }
  for (const version of [1, 2, 3]) {
    const { status, json, headers } = await world.fhir(here, token, `/Observation/${id}/_history/${version}`);
    assert.equal(status, 200);
    assert.equal(json.valueQuantity.value, version);
    assert.equal(json.meta.versionId, String(version));
    assert.equal(headers.etag, `W/"${version}"`);
  }
  for (const version of ['0', '4', '-1', 'x', '99999999999']) {
    assert.equal((await world.fhir(here, token, `/Observation/${id}/_history/${version}`)).status, 404);
  }
  const page = await world.fhir(here, token, `/Observation/${id}/_history?_count=2`);
  assert.deepEqual(page.json.entry.map(versionOf), ['3', '2']);
  const next = page.json.link.find((link: { relation: string }) => link.relation === 'next');
  const last = await world.fhir(here, token, next.url.split('/fhir/R4')[1]);
  assert.deepEqual(last.json.entry.map(versionOf), ['1']);
  assert.equal(last.json.link.length, 1);
});

test('what was deleted is gone, its versions stay for those who could see it, and others learn nothing', async () => {
  const patient = await sharedPatient(labelBits('GENERAL_HEALTH'));
  const { token: theirs } = await world.access(there);
  const shared = await world.observation(there, patient);
  const hidden = await world.observation(there, patient, { label: 'MENTAL_HEALTH' });
  for (const { id } of [shared, hidden]) {
    assert.equal((await world.fhir(there, theirs, `/Observation/${id}`, { method: 'DELETE' })).status, 204);
  }
  assert.equal((await read(shared.id)).status, 410);
  assert.equal((await world.fhir(here, token, `/Observation/${shared.id}/_history/1`)).status, 200);
  assert.equal((await world.fhir(here, token, `/Observation/${shared.id}/_history/2`)).status, 410);
  const history = await world.fhir(here, token, `/Observation/${shared.id}/_history`);
  assert.deepEqual(
    history.json.entry.map(({ request }: { request: { method: string } }) => request.method),
    ['DELETE', 'POST'],
  );
  for (const suffix of ['', '/_history/1', '/_history/2', '/_history']) {
    assert.equal((await world.fhir(here, token, `/Observation/${hidden.id}${suffix}`)).status, 404, suffix);
  }
});

test('a label that is put right later covers the versions before it', async () => {
  const patient = await sharedPatient(labelBits('GENERAL_HEALTH'));
  const { token: theirs } = await world.access(there);
  const { id } = await world.observation(there, patient);
  assert.equal((await read(id)).status, 200);
  const security = [
    { system: 'http://fhir.patientsknowbest.com/codesystem/privacy-label', code: 'MENTAL_HEALTH' },
  ];
  const body = { ...observationOf(patient), id, meta: { security } };
  assert.equal((await world.fhir(there, theirs, `/Observation/${id}`, { method: 'PUT', body })).status, 200);
  for (const suffix of ['', '/_history/1', '/_history/2', '/_history']) {
    assert.equal((await world.fhir(here, token, `/Observation/${id}${suffix}`)).status, 404, suffix);
  }
});

const versionOf = ({ resource }: { resource: { meta: { versionId: string } } }) => resource.meta.versionId;
