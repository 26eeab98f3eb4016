import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { permissionsOf } from '../../oauth/scopes.ts';
import { PRIVACY_LABEL_SYSTEM } from '../store/labels.ts';
import {
  entriesOf,
  NHS,
  nationalNumber,
  OPERATION_SCOPES,
  type OperationsWorld,
  operationsWorld,
} from './fixture.ts';

/* What is answered again under an Idempotency-Key is decided by the connection as it stands when it is asked for. */

const INVITE = 'Organization/$generate-invitation-tokens';

let w: OperationsWorld;
let keys = 0;
before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

/** A connection of its own, and the key under which it sends. */
async function sender(options: { labels?: number; teams?: string[] } = {}) {
  const access = await w.world.access(w.here, { scopes: OPERATION_SCOPES, ...options });
  const headers = { 'idempotency-key': `key-${++keys}` };
  const post = (operation: string, body: object, more: Record<string, string> = headers) =>
    w.world.fhir(w.here, access.token, `/${operation}`, { method: 'POST', body, headers: more });
  const invite = (...numbers: string[]) => w.ask(INVITE, numbers, { as: access.token, headers });
  const reduce = (set: string, ...values: unknown[]) =>
    w.sql(`update connection set ${set} where id = $1`, access.connection.id, ...values);
  return { ...access, headers, post, invite, reduce };
}
const inTeams = (patient: { id: string }, ...teams: string[]) =>
  w.sql('update registration set teams = $2 where patient_id = $1', patient.id, teams);
const replayed = ({ headers }: { headers: object }) =>
  (headers as Record<string, unknown>)['idempotency-replayed'] === 'true';

const personOf = (number: string, code?: string) => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS, value: number }],
  name: [{ family: 'Morgan', given: ['Nia'] }],
  gender: 'female',
  birthDate: '1980-02-03',
  ...(code && { meta: { security: [{ system: PRIVACY_LABEL_SYSTEM, code }] } }),
});
const bundleOf = (...people: object[]) => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: people.map((resource) => ({ resource })),
});

test('a permission that was taken takes the answer along', async () => {
  const { invite, reduce } = await sender();
  const patient = await w.patient();
  assert.equal((await invite(patient.number)).status, 200);
  assert.ok(replayed(await invite(patient.number)));
  await reduce('permissions = $2', permissionsOf(['system/Patient.$status-query']));
  assert.equal((await invite(patient.number)).code, 'scope-insufficient');
});

test('codes for a patient of a team that was taken are not shown again, and none are made', async () => {
  const [mine, taken] = [await w.world.team(w.here), await w.world.team(w.here)];
  const { invite, reduce } = await sender({ teams: [mine.id, taken.id] });
  const [kept, lost] = [await w.patient(), await w.patient()];
  await inTeams(kept, mine.id);
  await inTeams(lost, taken.id);
  const first = await invite(kept.number, lost.number);
  const [, secret] = entriesOf(first.json, 'patientTokens');
  assert.equal(secret!.outcome, 'invited');
  await reduce('teams = $2', [mine.id]);
  const again = await invite(kept.number, lost.number);
  assert.deepEqual([again.status, again.code, replayed(again)], [422, 'patient-unknown', false]);
  for (const value of [secret!.code, secret!.token, lost.id, lost.number]) {
    assert.ok(!again.text.includes(value));
  }
  const { patients, outcome } = w.world.audit.at(-1)!;
  assert.deepEqual([patients, outcome], [[], 'patient-unknown']);
  assert.equal(
    (await w.sql('select 1 from invitation where patient_id = any($1)', [kept.id, lost.id])).length,
    2,
  );
  await reduce('teams = null');
  assert.equal((await invite(kept.number, lost.number)).text, first.text, 'given back, it is there again');
});

test('an answer about nobody who was taken is given again, whatever else was', async () => {
  const [mine, other] = [await w.world.team(w.here), await w.world.team(w.here)];
  const { invite, reduce } = await sender({ teams: [mine.id, other.id] });
  const patient = await w.patient();
  await inTeams(patient, mine.id);
  const first = await invite(patient.number);
  await reduce(
    'teams = $2, labels = 2, permissions = $3',
    [mine.id],
    permissionsOf([`system/${INVITE.replace('/', '.')}`]),
  );
  const again = await invite(patient.number);
  assert.deepEqual([again.text, replayed(again)], [first.text, true]);
});

test('a patient who is not registered any more is in no answer', async () => {
  const { invite } = await sender();
  const patient = await w.patient();
  await invite(patient.number);
  await w.sql('delete from registration where patient_id = $1', patient.id);
  assert.equal((await invite(patient.number)).code, 'patient-unknown');
});

test('what was written under a label that was taken is refused as if it were sent now', async () => {
  for (const [operation, bodyOf] of [
    ['Patient/$process-message', (...people: object[]) => people[0]!],
    ['Patient/$register', bundleOf],
  ] as const) {
    const { post, reduce, headers } = await sender();
    const body = bodyOf(personOf(nationalNumber(), 'MENTAL_HEALTH'));
    assert.equal((await post(operation, body)).status, 200);
    await reduce('labels = 13');
    assert.equal((await post(operation, body)).code, 'label-not-covered', operation);
    const plain = { ...headers, 'idempotency-key': `${headers['idempotency-key']}-plain` };
    const general = bodyOf(personOf(nationalNumber()));
    for (const again of [false, true]) {
      const answer = await post(operation, general, plain);
      assert.deepEqual([answer.status, replayed(answer)], [200, again], operation);
    }
  }
});

test('a row under a label that never was covered is given again as it was', async () => {
  const { post } = await sender({ labels: 1 });
  const body = bundleOf(personOf(nationalNumber(), 'MENTAL_HEALTH'), personOf(nationalNumber()));
  const first = await post('Patient/$register', body);
  const again = await post('Patient/$register', body);
  assert.deepEqual([again.text, replayed(again)], [first.text, true]);
});

test('what was answered under access that has ended is not given to access that was granted anew', async () => {
  const { system, connection, token, headers } = await sender();
  const body = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'To know',
    criteria: 'urn:connected-systems:topic:patient-registered',
    channel: { type: 'rest-hook', endpoint: 'https://hooks.example.org/', payload: 'application/fhir+json' },
  };
  const scopes = [...OPERATION_SCOPES, 'system/Subscription.cruds'];
  for (const table of ['connection', 'system', 'access_token']) {
    const set = `update ${table} set permissions = $2 where client_id = $1`;
    await w.sql(set, system.clientId, permissionsOf(scopes));
  }
  const create = () => w.world.fhir(w.here, token, '/Subscription', { method: 'POST', body, headers });
  const made = await create();
  assert.equal(made.status, 201, made.text);
  assert.equal((await create()).json.id, made.json.id);
  await w.world.revoke(connection);
  assert.equal((await create()).code, 'connection-revoked');
  await w.world.connection(w.here, system, { scopes });
  assert.equal((await create()).code, 'idempotency-key-reused');
  headers['idempotency-key'] = 'another';
  const anew = await create();
  assert.equal(anew.status, 201);
  assert.notEqual(anew.json.id, made.json.id);
});
