import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createWorld, observationOf, type World } from '../../../test/support/world.ts';
import { ENTRIES_MAX } from './parse-bundle.ts';

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
beforeEach(() => {
  world.audit.length = 0;
});

type Entry = { request: Record<string, string>; resource?: unknown; fullUrl?: string };
const bundle = (type: string, entry: Entry[]) => ({ resourceType: 'Bundle', type, entry });
const send = (body: unknown, as: string | null = token) => world.fhir(here, as, '', { method: 'POST', body });
const postOf = (resource: { resourceType: string }, fullUrl?: string, more: object = {}): Entry => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType, ...more },
});
const get = (url: string): Entry => ({ request: { method: 'GET', url } });
type Result = {
  resource?: { id: string };
  response: { status: string; outcome?: { issue: { details: { coding: { code: string }[] } }[] } };
};
const statuses = (json: { entry: Result[] }) => json.entry.map(({ response }) => response.status.slice(0, 3));
const codeOf = ({ response }: Result) => response.outcome?.issue[0]?.details.coding[0]?.code;
const count = async () =>
  (await world.db.database.owner.query('select count(*)::integer as n from resource')).rows[0].n as number;

test('the entries of a batch are each decided and answered by themselves, in their places', async () => {
  const stranger = await world.patient(there);
  const hidden = await world.observation(there, stranger);
  const own = await world.observation(here, patient);
  const { status, json } = await send(
    bundle('batch', [
      get(`Observation/${own.id}`),
      get(`Observation/${hidden.id}`),
      postOf(observationOf(patient)),
      postOf(observationOf(stranger)),
      get(`Observation?patient=${patient.id}&_summary=count`),
      { request: { method: 'DELETE', url: `Observation/${own.id}`, ifMatch: 'W/"7"' } },
      get('Nonsense/1'),
    ]),
  );
  assert.equal(status, 200);
  assert.equal(json.type, 'batch-response');
  assert.deepEqual(statuses(json), ['200', '404', '201', '422', '200', '412', '404']);
  assert.equal(json.entry[0].resource.id, own.id);
  assert.equal(codeOf(json.entry[1]), 'not-found');
  assert.match(json.entry[2].response.location, /\/Observation\/[0-9a-f-]+\/_history\/1$/);
  assert.equal(json.entry[2].response.etag, 'W/"1"');
  assert.equal(codeOf(json.entry[3]), 'patient-unknown');
});

test('each entry has an audit record, and the Bundle has one', async () => {
  const own = await world.observation(here, patient);
  await send(bundle('batch', [get(`Observation/${own.id}`), get(`Observation/${patient.id}`)]));
  const records = world.audit.map(({ interaction, outcome, resourceId, detail }) => ({
    interaction,
    outcome,
    resourceId,
    detail,
  }));
  assert.deepEqual(records, [
    { interaction: 'batch', outcome: 'allowed', resourceId: undefined, detail: undefined },
    { interaction: 'read', outcome: 'allowed', resourceId: own.id, detail: 'entry 1' },
    { interaction: 'read', outcome: 'not-found', resourceId: patient.id, detail: 'entry 2' },
  ]);
  assert.equal(new Set(world.audit.map(({ requestId }) => requestId)).size, 1);
});

test('a scope counts for each entry', async () => {
  const { token: narrow } = await world.access(here, { scopes: ['system/Observation.c'] });
  const { json } = await send(bundle('batch', [postOf(observationOf(patient)), get('Observation')]), narrow);
  assert.deepEqual(statuses(json), ['201', '403']);
});

test('a caller who may not ask gets no answer to any entry', async () => {
  const body = bundle('batch', [get('Patient')]);
  assert.equal((await send(body, null)).code, 'token-missing');
  assert.equal((await send(body, 'a-dead-token')).code, 'token-invalid');
  const { token: other } = await world.access(there);
  assert.equal((await send(body, other)).code, 'connection-none');
  assert.equal((await send('{', 'a-dead-token')).code, 'token-invalid');
});

test('a transaction is done whole, its entries referring to each other', async () => {
  const report = {
    resourceType: 'DiagnosticReport',
    status: 'final',
    code: { text: 'Bloods' },
    subject: { reference: 'urn:uuid:patient' },
    result: [{ reference: 'urn:uuid:value' }],
  };
  const { status, json, text } = await send(
    bundle('transaction', [
      postOf(report, 'urn:uuid:report'),
      postOf(
        { ...observationOf(patient), subject: { reference: 'urn:uuid:patient' } } as never,
        'urn:uuid:value',
      ),
      postOf({ resourceType: 'Patient', birthDate: '1999-01-01' } as never, 'urn:uuid:patient'),
      get(`Patient/${patient.id}`),
    ]),
  );
  assert.equal(status, 200, text);
  assert.equal(json.type, 'transaction-response');
  assert.deepEqual(statuses(json), ['201', '201', '201', '200']);
  const [made, value, person] = json.entry.map(({ resource }: { resource: unknown }) => resource);
  assert.equal(made.subject.reference, `Patient/${person.id}`);
  assert.equal(made.result[0].reference, `Observation/${value.id}`);
  const read = await world.fhir(here, token, `/DiagnosticReport/${made.id}`);
  assert.deepEqual(read.json, made);
  assert.equal(read.json.id.slice(0, 8), person.id.slice(0, 8));
  assert.deepEqual(
    (await world.fhir(here, token, `/Observation?patient=${person.id}`)).json.entry[0].resource,
    value,
  );
});

test('a transaction of which one entry is refused does nothing, and says which', async () => {
  const own = await world.observation(here, patient);
  const other = await world.observation(here, patient);
  const stranger = await world.patient(there);
  const refusals: [Entry, string][] = [
    [postOf(observationOf(stranger)), 'patient-unknown'],
    [postOf({ ...observationOf(patient), status: 'banana' } as never), 'resource-invalid'],
    [get('Observation/none'), 'not-found'],
    [{ request: { method: 'DELETE', url: `Observation/${other.id}`, ifMatch: 'W/"9"' } }, 'version-conflict'],
    [
      {
        request: { method: 'PUT', url: `Patient/${patient.id}` },
        resource: { resourceType: 'Patient', id: 'x' },
      },
      'id-mismatch',
    ],
  ];
  for (const [bad, code] of refusals) {
    const before = await count();
    world.audit.length = 0;
    const answer = await send(
      bundle('transaction', [
        postOf(observationOf(patient)),
        { request: { method: 'DELETE', url: `Observation/${own.id}` } },
        bad,
      ]),
    );
    assert.equal(answer.code, code);
    assert.match(answer.json.issue[0].details.text, /entry 3/);
    assert.equal(await count(), before, code);
    assert.equal((await world.fhir(here, token, `/Observation/${own.id}`)).status, 200, code);
    assert.deepEqual(world.audit[0]?.outcome, code);
  }
});

test('a number that belongs to another patient undoes the whole transaction', async () => {
  const number = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' };
  const known = { resourceType: 'Patient', birthDate: '1980-01-01', identifier: [number] };
  assert.equal((await world.fhir(here, token, '/Patient', { method: 'POST', body: known })).status, 201);
  const before = await count();
  const answer = await send(
    bundle('transaction', [
      postOf(observationOf(patient)),
      { request: { method: 'PUT', url: `Patient/${patient.id}` }, resource: { ...known, id: patient.id } },
    ]),
  );
  assert.equal(answer.code, 'identifier-conflict');
  assert.equal(await count(), before);
  assert.equal((await send(bundle('transaction', [get(`Patient/${patient.id}`)]))).status, 200);
});

test('a transaction sent again by conditional entries makes nothing twice', async () => {
  const identifier = [{ system: 'urn:device', value: 'once' }];
  const entry = postOf({ ...observationOf(patient), identifier } as never, 'urn:uuid:x', {
    ifNoneExist: 'identifier=urn:device|once',
  });
  const first = await send(bundle('transaction', [entry]));
  assert.deepEqual(statuses(first.json), ['201']);
  const again = await send(bundle('transaction', [entry]));
  assert.deepEqual(statuses(again.json), ['200']);
  assert.equal(again.json.entry[0].resource.id, first.json.entry[0].resource.id);
});

test('many transactions at once do not wait for each other for ever', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () =>
      send(bundle('transaction', [postOf(observationOf(patient)), postOf({ resourceType: 'Location' })])),
    ),
  );
  for (const { status, text } of answers) assert.equal(status, 200, text);
});

test('a Bundle that is none is refused with the entries at fault', async () => {
  const bodies = [
    { resourceType: 'Patient' },
    bundle('collection', []),
    { resourceType: 'Bundle', type: 'batch', entry: {} },
    bundle('batch', [{ request: { method: 'BREW', url: 'Patient' } }]),
    bundle('batch', [{ request: { method: 'GET', url: 'https://elsewhere.example/Patient' } }]),
    bundle('batch', [{ request: { method: 'POST', url: 'Patient' } }]),
    bundle('batch', [{ request: { method: 'GET', url: 'Patient' }, resource: {} }]),
    bundle('batch', [null as never]),
    bundle('transaction', [
      postOf(observationOf(patient), 'urn:uuid:1'),
      postOf(observationOf(patient), 'urn:uuid:1'),
    ]),
  ];
  for (const body of bodies) {
    const answer = await send(body);
    assert.equal(answer.code, 'batch-invalid', JSON.stringify(body));
  }
  const none = await send(bundle('batch', []));
  assert.equal(none.status, 200);
  assert.equal('entry' in none.json, false);
});

test(`a Bundle holds ${ENTRIES_MAX} entries, and may be larger than one resource`, async () => {
  const long = 'x'.repeat(5000);
  const entries = Array.from({ length: ENTRIES_MAX }, () => ({
    request: { method: 'GET', url: `Location/none?_x=${long}` },
  }));
  const many = await send(bundle('batch', entries));
  assert.equal(many.status, 200);
  assert.equal(many.json.entry.length, ENTRIES_MAX);
  const more = await send(bundle('batch', [...entries, ...entries.slice(0, 1)]));
  assert.equal(more.code, 'too-many');
});
