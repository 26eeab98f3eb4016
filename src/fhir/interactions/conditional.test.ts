import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../../test/support/world.ts';
import { PRIVACY_LABEL_SYSTEM } from '../store/labels.ts';

type Organisation = Awaited<ReturnType<World['organisation']>>;

let world: World;
let here: Organisation;
let there: Organisation;
let token: string;
let patient: { id: string };
let serial = 0;

before(async () => {
  world = await createWorld();
  here = await world.organisation();
  there = await world.organisation();
  ({ token } = await world.access(here));
  patient = await world.patient(here);
});
after(() => world.stop());

/** An Observation with an identifier of its own. */
function identified(value = 72) {
  const identifier = [{ system: 'urn:device', value: `reading ${++serial}` }];
  const condition = `identifier=${encodeURIComponent(`urn:device|reading ${serial}`)}`;
  return { body: { ...observationOf(patient, { value }), identifier }, condition };
}

const createOnce = (body: unknown, condition: string, as = token, to = here) =>
  world.fhir(to, as, '/Observation', { method: 'POST', body, headers: { 'if-none-exist': condition } });
const updateOnce = (body: unknown, condition: string, as = token, to = here) =>
  world.fhir(to, as, `/Observation?${condition}`, { method: 'PUT', body });
const found = async (condition: string) =>
  (await world.fhir(here, token, `/Observation?${condition}`)).json.entry ?? [];

test('a conditional create makes one, and answers with it afterwards', async () => {
  const { body, condition } = identified();
  const first = await createOnce(body, condition);
  assert.equal(first.status, 201);
  const again = await createOnce({ ...body, status: 'amended' }, condition);
  assert.equal(again.status, 200);
  assert.equal(again.headers.location, first.headers.location);
  assert.equal(again.text, first.text);
});

test('the record of a conditional create says that it was one, and nothing of its condition', async () => {
  const { body, condition } = identified();
  await createOnce(body, condition);
  const { query } = world.audit.at(-1)!;
  assert.match(query!, /^if-none-exist=#[\w-]{14}$/);
  const entry = [
    { resource: body, request: { method: 'POST', url: 'Observation', ifNoneExist: condition } },
    { resource: observationOf(patient), request: { method: 'POST', url: 'Observation' } },
  ];
  await world.fhir(here, token, '', {
    method: 'POST',
    body: { resourceType: 'Bundle', type: 'batch', entry },
  });
  assert.deepEqual(
    world.audit.slice(-2).map((record) => record.query),
    [query, null],
  );
});

test('of many conditional creates at once, one makes it and all name the same', async () => {
  const { body, condition } = identified();
  const answers = await Promise.all(Array.from({ length: 8 }, () => createOnce(body, condition)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
  assert.equal(new Set(answers.map(({ headers }) => headers.location)).size, 1);
  assert.equal((await found(condition)).length, 1);
});

test('a conditional update creates, then updates, and never makes two', async () => {
  const { body, condition } = identified();
  const first = await updateOnce(body, condition);
  assert.equal(first.status, 201);
  const second = await updateOnce({ ...body, status: 'amended' }, condition);
  assert.equal(second.status, 200);
  assert.equal(second.json.id, first.json.id);
  assert.equal(second.json.meta.versionId, '2');
  assert.equal(second.json.status, 'amended');
  const { body: many, condition: at } = identified();
  const answers = await Promise.all(Array.from({ length: 6 }, () => updateOnce(many, at)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  for (const one of answers)
    assert.ok([200, 201].includes(one.status) || one.code === 'write-contended', one.text);
  assert.equal((await found(at)).length, 1);
});

test('conditional create and update agree on what is one', async () => {
  const { body, condition } = identified();
  const made = await createOnce(body, condition);
  const updated = await updateOnce({ ...body, id: made.json.id }, condition);
  assert.equal(updated.status, 200);
  assert.equal(updated.json.id, made.json.id);
  assert.equal((await updateOnce({ ...body, id: 'another' }, condition)).code, 'id-mismatch');
});

test('what was made without a condition is found by one', async () => {
  const { body, condition } = identified();
  const plain = await world.fhir(here, token, '/Observation', { method: 'POST', body });
  assert.equal((await createOnce(body, condition)).json.id, plain.json.id);
  assert.equal((await updateOnce(body, condition)).json.id, plain.json.id);
  await world.fhir(here, token, '/Observation', { method: 'POST', body });
  assert.equal((await createOnce(body, condition)).code, 'multiple-matches');
  assert.equal((await updateOnce(body, condition)).code, 'multiple-matches');
});

test('an identifier that was deleted or given up is free again', async () => {
  const { body, condition } = identified();
  const first = await createOnce(body, condition);
  await world.fhir(here, token, `/Observation/${first.json.id}`, { method: 'DELETE' });
  const second = await createOnce(body, condition);
  assert.equal(second.status, 201);
  const { identifier: _identifier, ...without } = body;
  await world.fhir(here, token, `/Observation/${second.json.id}`, {
    method: 'PUT',
    body: { ...without, id: second.json.id },
  });
  assert.equal((await createOnce(body, condition)).status, 201);
});

test('what others wrote is no match and stays unknown', async () => {
  const shared = await world.patient(there);
  await world.register(shared, here, { shares: 15, teams: [here.teamId] });
  const { condition, body } = identified();
  const about = { ...body, subject: { reference: `Patient/${shared.id}` } };
  const { token: theirs } = await world.access(there);
  assert.equal((await createOnce(about, condition, theirs, there)).status, 201);
  assert.equal((await createOnce(about, condition)).status, 201);
  assert.equal((await updateOnce(about, condition)).status, 200);
});

test('a condition is one identifier that the resource has itself', async () => {
  const { body, condition } = identified();
  const conditions = [
    'code=8867-4',
    `${condition}&code=8867-4`,
    'identifier=reading',
    'identifier=urn:device|',
    'identifier=|reading',
    `${condition},urn:device|other`,
    'identifier=urn:device|another',
    '_id=1',
    '',
  ];
  for (const one of conditions) {
    if (one !== '') assert.equal((await createOnce(body, one)).code, 'condition-unsupported', one);
    assert.equal((await updateOnce(body, one)).code, 'condition-unsupported', one);
  }
  assert.deepEqual(await found(condition), []);
});

test('a condition tells what exists, so it needs the permission to search', async () => {
  const { body, condition } = identified();
  const { token: blind } = await world.access(here, { scopes: ['system/Observation.cru'] });
  assert.equal((await createOnce(body, condition, blind)).code, 'scope-insufficient');
  assert.equal((await updateOnce(body, condition, blind)).code, 'scope-insufficient');
  const { token: creator } = await world.access(here, { scopes: ['system/Observation.cs'] });
  assert.equal((await updateOnce(body, condition, creator)).status, 201);
  assert.equal((await updateOnce(body, condition, creator)).code, 'scope-insufficient');
  const { token: updater } = await world.access(here, { scopes: ['system/Observation.us'] });
  assert.equal((await updateOnce(body, condition, updater)).status, 200);
  const other = identified();
  assert.equal((await updateOnce(other.body, other.condition, updater)).code, 'scope-insufficient');
});

test('what a connection may not see is no match, is not told of, and keeps nobody from writing', async () => {
  const { token: narrow } = await world.access(here, { labels: labelBits('GENERAL_HEALTH') });
  const { body, condition } = identified();
  const security = [{ system: PRIVACY_LABEL_SYSTEM, code: 'MENTAL_HEALTH' }];
  const hidden = await createOnce({ ...body, meta: { security } }, condition);
  assert.equal(hidden.status, 201);
  assert.equal((await createOnce(body, condition, narrow)).status, 201);
  const again = await updateOnce(body, condition, narrow);
  assert.equal(again.status, 200);
  assert.notEqual(again.json.id, hidden.json.id);
  assert.equal((await updateOnce(body, condition)).code, 'multiple-matches');
  // Nor when one of the two is put under the label of the other.
  const moved = { ...body, id: again.json.id, meta: { security } };
  const path = `/Observation/${again.json.id}`;
  assert.equal((await world.fhir(here, token, path, { method: 'PUT', body: moved })).status, 200);
});

test('a number of the organisation’s own under which a patient is hidden is as good as free', async () => {
  const team = await world.team(here);
  const { token: teamed } = await world.access(here, { teams: [team.id] });
  const value = `hidden ${++serial}`;
  const body = {
    resourceType: 'Patient',
    birthDate: '1980-02-03',
    identifier: [{ system: 'urn:ward', value }],
  };
  const condition = `identifier=${encodeURIComponent(`urn:ward|${value}`)}`;
  const send = (as: string) =>
    world.fhir(here, as, '/Patient', { method: 'POST', body, headers: { 'if-none-exist': condition } });
  const first = await send(token);
  assert.equal(first.status, 201);
  const second = await send(teamed);
  assert.equal(second.status, 201);
  assert.notEqual(second.json.id, first.json.id);
  assert.equal((await send(teamed)).json.id, second.json.id);
});
