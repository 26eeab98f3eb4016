import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';
import { newRootId } from '../../ids.ts';
import { PRIVACY_LABEL_SYSTEM, SOURCE_ORGANISATION_SYSTEM } from '../store/labels.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;
let patient: { id: string };

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here));
  patient = await world.patient(here);
});
after(() => world.stop());

type Headers = Record<string, string>;
const post = (
  body: unknown,
  { as = token, headers = {} as Headers, path = '/Observation', to = here } = {},
) => world.fhir(to, as, path, { method: 'POST', body, headers });
const put = (id: string, body: object, { as = token, headers = {} as Headers, to = here } = {}) =>
  world.fhir(to, as, `/Observation/${id}`, { method: 'PUT', body: { ...body, id }, headers });
const remove = (id: string, { as = token, headers = {} as Headers } = {}) =>
  world.fhir(here, as, `/Observation/${id}`, { method: 'DELETE', headers });
const read = (id: string) => world.fhir(here, token, `/Observation/${id}`);
const labelled = (code: string, base: object = observationOf(patient)) => ({
  ...base,
  meta: { security: [{ system: PRIVACY_LABEL_SYSTEM, code }] },
});
const count = async () =>
  (await world.db.database.owner.query('select count(*)::integer as n from resource')).rows[0].n as number;

test('a create is stored with id, version, time, source and label, and read back as it was answered', async () => {
  const sent = observationOf(patient);
  const before = Date.now();
  const created = await post({ ...sent, id: 'mine' });
  assert.equal(created.status, 201);
  const { id, meta, ...rest } = created.json;
  assert.deepEqual(rest, sent);
  assert.equal(id.slice(0, 8), patient.id.slice(0, 8));
  assert.equal(meta.versionId, '1');
  assert.ok(Math.abs(Date.parse(meta.lastUpdated) - before) < 60_000);
  assert.deepEqual(meta.security, [
    { system: PRIVACY_LABEL_SYSTEM, code: 'GENERAL_HEALTH' },
    { system: SOURCE_ORGANISATION_SYSTEM, code: here.id },
  ]);
  assert.equal(
    created.headers.location,
    `https://records.example/organisations/${here.id}/fhir/R4/Observation/${id}/_history/1`,
  );
  assert.equal(created.headers.etag, 'W/"1"');
  const stored = await read(id);
  assert.equal(stored.text, created.text);
  assert.equal(stored.headers['last-modified'], new Date(meta.lastUpdated).toUTCString());
});

test('decimals keep the precision with which they were sent', async () => {
  const text = JSON.stringify(observationOf(patient)).replace('"value":72', '"value":72.50');
  const { status, text: answered } = await post(text);
  assert.equal(status, 201);
  assert.match(answered, /"value":72\.50[,}]/);
});

test('an answer can be less, or an outcome', async () => {
  const minimal = await post(observationOf(patient), { headers: { prefer: 'return=minimal' } });
  assert.equal(minimal.status, 201);
  assert.equal(minimal.text, '');
  assert.ok(minimal.headers.location);
  const outcome = await post(observationOf(patient), { headers: { prefer: 'return=OperationOutcome' } });
  assert.equal(outcome.json.resourceType, 'OperationOutcome');
});

test('a label is honoured when the connection covers it, and refused when it does not', async () => {
  const { token: narrow } = await world.access(here, { labels: labelBits('MENTAL_HEALTH') });
  assert.equal(
    (await post(labelled('MENTAL_HEALTH'), { as: narrow })).json.meta.security[0].code,
    'MENTAL_HEALTH',
  );
  const before = await count();
  for (const body of [labelled('SOCIAL_CARE'), observationOf(patient)]) {
    const refused = await post(body, { as: narrow });
    assert.equal(refused.status, 403);
    assert.equal(refused.code, 'label-not-covered');
  }
  assert.equal(await count(), before);
});

test('two labels, or one that does not exist, are refused', async () => {
  const two = labelled('MENTAL_HEALTH');
  two.meta.security.push({ system: PRIVACY_LABEL_SYSTEM, code: 'SOCIAL_CARE' });
  for (const body of [two, labelled('SECRET'), labelled('general_health')]) {
    assert.equal((await post(body)).code, 'label-invalid');
  }
});

test('a patient who is not registered is refused like one who does not exist, and nothing is written', async () => {
  const stranger = await world.patient(there);
  const before = await count();
  const answers = [];
  for (const id of [stranger.id, newRootId(), '123', 'no-such-patient']) {
    const refused = await post(observationOf({ id }));
    assert.equal(refused.status, 422);
    answers.push(refused.text.replace(/Reference \w+/, ''));
  }
  assert.equal(new Set(answers).size, 1);
  assert.match(answers[0]!, /patient-unknown/);
  assert.equal(await count(), before);
});

test('a connection for teams writes about the patients of those teams only', async () => {
  const team = await world.team(here);
  const { token: teamed } = await world.access(here, { teams: [team.id] });
  assert.equal((await post(observationOf(patient), { as: teamed })).code, 'patient-unknown');
});

test('what is about two patients, or about one who is not named for certain, is refused', async () => {
  const other = await world.patient(here);
  const two = {
    resourceType: 'Appointment',
    status: 'booked',
    start: '2026-01-02T09:00:00Z',
    end: '2026-01-02T09:30:00Z',
    participant: [patient, other].map(({ id }) => ({
      actor: { reference: `Patient/${id}` },
      status: 'accepted',
    })),
  };
  assert.equal((await post(two, { path: '/Appointment' })).code, 'patient-ambiguous');
  const uncertain = [
    { reference: 'https://elsewhere.example/fhir/Patient/1' },
    { type: 'Patient', display: 'Somebody' },
    { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' } },
    { reference: '#p' },
  ];
  for (const subject of uncertain) {
    const contained = subject.reference === '#p' ? [{ resourceType: 'Patient', id: 'p' }] : undefined;
    const refused = await post({ ...observationOf(patient), contained, subject });
    assert.equal(refused.code, 'patient-ambiguous', JSON.stringify(subject));
  }
});

test('references to this service’s own addresses are made relative, others are kept', async () => {
  const performer = [
    { reference: `https://records.example/organisations/${here.id}/fhir/R4/Organization/1` },
    { reference: 'https://records.example/fhir/R4/Organization/2' },
    { reference: 'https://elsewhere.example/fhir/Organization/3' },
  ];
  const subject = { reference: `https://records.example/fhir/R4/Patient/${patient.id}` };
  const { json } = await post({ ...observationOf(patient), subject, performer });
  assert.deepEqual(json.subject, { reference: `Patient/${patient.id}` });
  assert.deepEqual(
    json.performer.map(({ reference }: { reference: string }) => reference),
    ['Organization/1', 'Organization/2', 'https://elsewhere.example/fhir/Organization/3'],
  );
});

test('what is not valid is refused with its place, and changes nothing', async () => {
  const before = await count();
  const { code: _code, ...without } = observationOf(patient);
  const refused = await post(without);
  assert.equal(refused.status, 422);
  assert.equal(refused.code, 'resource-invalid');
  assert.deepEqual(refused.json.issue[0].expression, ['Observation.code']);
  assert.equal((await post({ ...observationOf(patient), status: 'banana' })).code, 'resource-invalid');
  assert.equal((await post(observationOf(patient), { path: '/Condition' })).code, 'resource-invalid');
  assert.equal((await post([])).code, 'resource-invalid');
  assert.equal(await count(), before);
});

test('text that the database cannot index is refused or stored, never a fault', async () => {
  for (const value of ['\u0000', 'a\u0000b', '\ud800', '\u0001\u0002\u0003', 'x'.repeat(100_000)]) {
    const body = {
      ...observationOf(patient),
      code: { coding: [{ system: `urn:${value}`, code: value }], text: value },
    };
    const { status, text } = await post(body);
    assert.ok(status === 201 || status === 422, `${status} ${text.slice(0, 200)}`);
  }
});

test('what is about no patient belongs to the organisation', async () => {
  const created = await post({ resourceType: 'Location', name: 'Ward' }, { path: '/Location' });
  assert.equal(created.status, 201);
  assert.equal(created.json.id.slice(0, 8), here.id.slice(0, 8));
  const byCode = await world.app.inject({
    method: 'POST',
    url: `/organisations/${here.odsCode}/fhir/R4/Location`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: { resourceType: 'Location' },
  });
  assert.equal(byCode.statusCode, 201);
  assert.equal(byCode.json().meta.security[1].code, here.id);
});

test('an ODS code that moves to another organisation takes nothing of the old one along', async () => {
  const [from, to] = [await world.organisation(), await world.organisation()];
  const access = await world.access(to);
  await world.connection(from, access.system);
  const create = () =>
    world.app.inject({
      method: 'POST',
      url: `/organisations/${from.odsCode}/fhir/R4/Location`,
      headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
      payload: { resourceType: 'Location' },
    });
  assert.equal((await create()).json().meta.security[1].code, from.id);
  const { owner } = world.db.database;
  await owner.query(`update organisation set ods_code = 'ZZ' || substr(ods_code, 3) where id = $1`, [
    from.id,
  ]);
  await owner.query('update organisation set ods_code = $2 where id = $1', [to.id, from.odsCode]);
  const moved = await create();
  assert.equal(moved.statusCode, 201);
  assert.equal(moved.json().meta.security[1].code, to.id);
});

test('an update makes the next version and keeps the one before', async () => {
  const { json } = await post(observationOf(patient, { value: 1 }));
  const updated = await put(json.id, observationOf(patient, { value: 2 }));
  assert.equal(updated.status, 200);
  assert.equal(updated.headers.etag, 'W/"2"');
  assert.equal(updated.json.meta.versionId, '2');
  assert.ok(updated.json.meta.lastUpdated > json.meta.lastUpdated);
  assert.equal((await read(json.id)).json.valueQuantity.value, 2);
  assert.equal(
    (await world.fhir(here, token, `/Observation/${json.id}/_history/1`)).json.valueQuantity.value,
    1,
  );
});

test('an update keeps the label unless it gives another, and both must be covered', async () => {
  const { json } = await post(labelled('MENTAL_HEALTH'));
  assert.equal((await put(json.id, observationOf(patient))).json.meta.security[0].code, 'MENTAL_HEALTH');
  const { token: mental } = await world.access(here, { labels: labelBits('MENTAL_HEALTH') });
  assert.equal((await put(json.id, labelled('SOCIAL_CARE'), { as: mental })).code, 'label-not-covered');
  const { token: social } = await world.access(here, { labels: labelBits('SOCIAL_CARE') });
  assert.equal((await put(json.id, labelled('SOCIAL_CARE'), { as: social })).code, 'not-found');
  assert.equal((await put(json.id, labelled('SOCIAL_CARE'))).json.meta.security[0].code, 'SOCIAL_CARE');
});

test('an update with If-Match of an old version changes nothing', async () => {
  const { json } = await post(observationOf(patient));
  assert.equal(
    (await put(json.id, observationOf(patient), { headers: { 'if-match': 'W/"1"' } })).status,
    200,
  );
  const late = await put(json.id, observationOf(patient, { value: 9 }), { headers: { 'if-match': 'W/"1"' } });
  assert.equal(late.status, 412);
  assert.equal(late.code, 'version-conflict');
  assert.equal((await read(json.id)).json.meta.versionId, '2');
});

test('of many who update the same version at once, one wins', async () => {
  const { json } = await post(observationOf(patient));
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, value) =>
      put(json.id, observationOf(patient, { value }), { headers: { 'if-match': 'W/"1"' } }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)]);
  assert.equal((await read(json.id)).json.meta.versionId, '2');
});

test('of many who update without If-Match, each is a version of its own', async () => {
  const { json } = await post(observationOf(patient));
  const answers = await Promise.all(
    [1, 2, 3, 4].map((value) => put(json.id, observationOf(patient, { value }))),
  );
  const done = answers.filter(({ status }) => status === 200);
  assert.ok(done.length >= 1);
  for (const one of answers) assert.ok(one.status === 200 || one.code === 'write-contended');
  const history = await world.fhir(here, token, `/Observation/${json.id}/_history`);
  assert.equal(history.json.entry.length, done.length + 1);
});

test('another organisation’s entry is read, not changed', async () => {
  const shared = await world.patient(there);
  await world.register(shared, here, { shares: 15, teams: [here.teamId] });
  const { id } = await world.observation(there, shared);
  assert.equal((await read(id)).status, 200);
  assert.equal((await put(id, observationOf(shared))).code, 'not-own');
  assert.equal((await remove(id)).code, 'not-own');
  assert.equal((await read(id)).json.meta.versionId, '1');
});

test('an update moves nothing to another patient', async () => {
  const other = await world.patient(here);
  const { json } = await post(observationOf(patient));
  assert.equal((await put(json.id, observationOf(other))).code, 'patient-fixed');
  const { subject: _subject, ...nobodys } = observationOf(patient);
  assert.equal((await put(json.id, nobodys)).code, 'patient-fixed');
});

test('an update needs the id of its address, and makes nothing that was not there', async () => {
  const { json } = await post(observationOf(patient));
  const path = `/Observation/${json.id}`;
  for (const body of [observationOf(patient), { ...observationOf(patient), id: 'other' }]) {
    assert.equal((await world.fhir(here, token, path, { method: 'PUT', body })).code, 'id-mismatch');
  }
  assert.equal((await put(newRootId(), observationOf(patient))).code, 'not-found');
});

test('a delete can be sent again, and takes If-Match', async () => {
  const { json } = await post(observationOf(patient));
  assert.equal((await remove(json.id, { headers: { 'if-match': 'W/"2"' } })).code, 'version-conflict');
  assert.equal((await remove(json.id, { headers: { 'if-match': 'W/"1"' } })).status, 204);
  assert.equal((await remove(json.id)).status, 204);
  assert.equal((await read(json.id)).status, 410);
  assert.equal((await put(json.id, observationOf(patient))).code, 'not-found');
});

test('letters of a scope give their interaction and no other', async () => {
  const { json } = await post(observationOf(patient));
  const one = `/Observation/${json.id}`;
  const interactions: Record<string, () => [path: string, options: object]> = {
    c: () => ['/Observation', { method: 'POST', body: observationOf(patient) }],
    r: () => [one, {}],
    u: () => [one, { method: 'PUT', body: { ...observationOf(patient), id: json.id } }],
    s: () => ['/Observation', {}],
    d: () => [one, { method: 'DELETE', headers: { 'if-match': 'W/"999"' } }],
  };
  for (const held of 'cruds') {
    const { token: narrow } = await world.access(here, { scopes: [`system/Observation.${held}`] });
    for (const [letter, make] of Object.entries(interactions)) {
      const [path, options] = make();
      const { code } = await world.fhir(here, narrow, path, options);
      assert.equal(code === 'scope-insufficient', letter !== held, `${held} ${letter}`);
    }
  }
});
