import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labelBits } from '../../../../test/support/world.ts';
import { openMessage } from '../../../mail/seal.ts';
import {
  CHI,
  NHS,
  nationalNumber,
  OPERATION_SCOPES,
  type OperationsWorld,
  operationsWorld,
} from '../fixture.ts';
import { TEAM_ALIAS } from './registrant.ts';

let w: OperationsWorld;
let theirs: string;
let reading: string;

before(async () => {
  w = await operationsWorld();
  const scopes = ['system/Patient.$process-message', 'system/*.cruds'];
  theirs = (await w.world.access(w.there, { scopes })).token;
  reading = (await w.world.access(w.here, { scopes: ['system/*.cruds'] })).token;
});
after(() => w.world.stop());

type Options = { as?: string; to?: { id: string }; headers?: Record<string, string> };
const send = (body: unknown, { as = w.token, to = w.here, headers }: Options = {}) =>
  w.world.fhir(to, as, '/Patient/$process-message', { method: 'POST', body, headers });
const patientOf = (number: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS, value: number }],
  name: [{ use: 'official', family: 'Example', given: ['Robin', 'Kim'], prefix: ['Dr'] }],
  gender: 'female',
  birthDate: '1980-02-03',
  ...more,
});
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
const said = (json: any) => ({
  outcome: json.parameter[0].valueCode,
  id: json.parameter[1].valueReference.reference.replace('Patient/', ''),
  invited: json.parameter[2].valueBoolean,
});
const done = async (body: unknown, options?: Options) => {
  const answer = await send(body, options);
  assert.equal(answer.status, 200, answer.text);
  return said(answer.json);
};
const stored = async (id: string) => (await w.world.fhir(w.here, reading, `/Patient/${id}`)).json;

test('a new patient is created, registered with the default team, and can be read', async () => {
  const number = nationalNumber();
  const { outcome, id, invited } = await done(patientOf(number));
  assert.deepEqual([outcome, invited], ['created', false]);
  const { meta, ...rest } = await stored(id);
  assert.deepEqual(rest, { ...patientOf(number), id });
  assert.equal(meta.versionId, '1');
  const [registration] = await w.sql('select teams from registration where patient_id = $1', id);
  assert.deepEqual(registration.teams, [w.here.teamId]);
  const entry = w.world.audit.at(-2)!;
  assert.deepEqual(
    [entry.interaction, entry.resourceId, entry.patients, entry.detail],
    ['$process-message', id, [id], 'created'],
  );
});

test('sent again it changes nothing; with news it brings up to date, and what is absent stays', async () => {
  const number = nationalNumber();
  const first = patientOf(number, {
    telecom: [
      { system: 'phone', use: 'home', value: '020 7946 0001' },
      { system: 'email', value: 'old@example.org' },
    ],
    address: [{ use: 'home', line: ['1 High Street'], postalCode: 'AB1 2CD' }],
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Dr Robin Example</div>' },
  });
  const { id } = await done(first);
  assert.equal((await done(first)).outcome, 'unchanged');
  assert.equal((await stored(id)).meta.versionId, '1');
  const news = patientOf(number, {
    telecom: [{ system: 'email', use: 'home', value: 'new@example.org' }],
    deceasedBoolean: true,
  });
  assert.deepEqual(await done(news), { outcome: 'updated', id, invited: false });
  const { meta, ...now } = await stored(id);
  assert.equal(meta.versionId, '2');
  const { text: _text, ...kept } = first as typeof first & { text: unknown };
  assert.deepEqual(now, {
    ...kept,
    id,
    telecom: [
      { system: 'phone', use: 'home', value: '020 7946 0001' },
      { system: 'email', use: 'home', value: 'new@example.org' },
    ],
    deceasedBoolean: true,
  });
  const [patient] = await w.sql('select deceased from patient where id = $1', id);
  assert.equal(patient.deceased, true);
  const found = await w.world.fhir(w.here, reading, '/Patient?email=new@example.org');
  assert.equal(found.json.entry.length, 1);
  assert.equal((await w.world.fhir(w.here, reading, '/Patient?email=old@example.org')).json.entry, undefined);
  const earlier = await w.world.fhir(w.here, reading, `/Patient/${id}/_history/1`);
  assert.equal(earlier.json.telecom[1].value, 'old@example.org');
  assert.equal((await done(news)).outcome, 'unchanged');
});

test('a patient whom another organisation knows is linked when the date of birth agrees', async () => {
  const number = nationalNumber();
  const { id } = await done(patientOf(number));
  const linked = await done(patientOf(number), { as: theirs, to: w.there });
  assert.deepEqual(linked, { outcome: 'linked', id, invited: false });
  assert.equal((await w.world.fhir(w.there, theirs, `/Patient/${id}`)).status, 200);
  const again = await done(patientOf(number, { gender: 'other' }), { as: theirs, to: w.there });
  assert.equal(again.outcome, 'updated');
  const { meta, gender } = await stored(id);
  assert.equal(gender, 'other');
  assert.equal(meta.security.at(-1).code, w.here.id, 'its owner stays who wrote it first');
});

test('with another date of birth nothing is linked, changed or shown', async () => {
  const number = nationalNumber();
  const { id } = await done(patientOf(number));
  const refused = await send(patientOf(number, { birthDate: '1980-02-04' }), { as: theirs, to: w.there });
  assert.deepEqual([refused.status, refused.code], [422, 'birth-date-mismatch']);
  assert.ok(!refused.text.includes(id));
  assert.equal((await w.world.fhir(w.there, theirs, `/Patient/${id}`)).status, 404);
  assert.equal((await send(patientOf(number, { birthDate: '1980-02-04' }))).code, 'birth-date-mismatch');
});

test('dates of birth cannot be tried through: after ten wrong ones the right one is none', async () => {
  const number = nationalNumber();
  await done(patientOf(number));
  const wrong = (day: number) => patientOf(number, { birthDate: `1970-01-${String(day).padStart(2, '0')}` });
  await Promise.all(
    Array.from({ length: 10 }, (_, day) => send(wrong(day + 1), { as: theirs, to: w.there })),
  );
  assert.equal((await send(patientOf(number), { as: theirs, to: w.there })).code, 'birth-date-mismatch');
  const created = await w.world.fhir(w.there, theirs, '/Patient', {
    method: 'POST',
    body: patientOf(number),
  });
  assert.equal(created.code, 'birth-date-mismatch', 'nor by way of a create');
  assert.equal((await done(patientOf(number))).outcome, 'unchanged', 'who has the patient is not shut out');
  await w.sql(`update birth_date_failure set since = since - interval '25 hours'`);
  assert.equal((await done(patientOf(number), { as: theirs, to: w.there })).outcome, 'linked');
});

test('what is needed and absent, or wrong, is refused with its place, and nothing is stored', async () => {
  const number = nationalNumber();
  const cases: [object, string][] = [
    [patientOf(number, { identifier: undefined }), 'national-identifier-needed'],
    [patientOf(number, { identifier: [{ system: 'urn:own', value: '1' }] }), 'national-identifier-needed'],
    [patientOf('9990000001'), 'identifier-invalid'],
    [
      patientOf(number, { identifier: [1, 2].map(() => ({ system: NHS, value: number })) }),
      'identifier-invalid',
    ],
    [patientOf(number, { birthDate: undefined }), 'birth-date-needed'],
    [patientOf(number, { birthDate: '1980-02' }), 'birth-date-needed'],
    [patientOf(number, { birthDate: '1980-02-31' }), 'resource-invalid'],
    [patientOf(number, { gender: undefined }), 'demographics-needed'],
    [patientOf(number, { name: [{ family: 'Only' }] }), 'demographics-needed'],
    [patientOf(number, { name: 'Robin' }), 'resource-invalid'],
    [patientOf(number, { unknown: true }), 'resource-invalid'],
    [{ resourceType: 'Person' }, 'resource-invalid'],
    [patientOf(number, { extension: [{ url: TEAM_ALIAS, valueString: 'No such team' }] }), 'team-unknown'],
    [patientOf(number, { extension: [{ url: TEAM_ALIAS, valueBoolean: true }] }), 'resource-invalid'],
  ];
  for (const [body, code] of cases) {
    const answer = await send(body);
    assert.equal(answer.code, code, JSON.stringify(body));
  }
  assert.equal((await send('nothing')).code, 'body-malformed');
  assert.deepEqual(await w.sql('select 1 from patient_identifier where value = $1', number), []);
});

test('teams are named by the alias that is their name or id; the default team must be among them', async () => {
  const team = await w.world.team(w.here, 'Heart  Clinic');
  const aliases = (...names: string[]) => ({
    extension: names.map((valueString) => ({ url: TEAM_ALIAS, valueString })),
  });
  const number = nationalNumber();
  assert.equal((await send(patientOf(number, aliases('heart clinic')))).code, 'team-default-missing');
  const { id } = await done(patientOf(number, aliases('All', 'heart clinic')));
  const teams = async () =>
    (await w.sql('select teams from registration where patient_id = $1', id))[0].teams.sort();
  assert.deepEqual(await teams(), [w.here.teamId, team.id].sort());
  assert.equal((await stored(id)).extension, undefined);
  const other = await w.world.team(w.here);
  assert.equal((await done(patientOf(number))).outcome, 'unchanged');
  assert.equal((await done(patientOf(number, aliases(w.here.teamId, other.id)))).outcome, 'updated');
  assert.deepEqual(await teams(), [w.here.teamId, team.id, other.id].sort());
});

test('a connection for some teams registers with those, and with no other', async () => {
  const [team, other] = [await w.world.team(w.here), await w.world.team(w.here)];
  const limited = await w.world.access(w.here, {
    scopes: ['system/Patient.$process-message', 'system/Patient.r'],
    teams: [team.id],
  });
  const number = nationalNumber();
  const aliases = (...ids: string[]) => ({
    extension: ids.map((valueString) => ({ url: TEAM_ALIAS, valueString })),
  });
  const refused = await send(patientOf(number, aliases(w.here.teamId, other.id)), { as: limited.token });
  assert.deepEqual([refused.status, refused.code], [403, 'team-not-covered']);
  const { id } = await done(patientOf(number), { as: limited.token });
  assert.deepEqual((await w.sql('select teams from registration where patient_id = $1', id))[0].teams, [
    team.id,
  ]);
  const known = await done(patientOf(nationalNumber()));
  assert.equal((await w.world.fhir(w.here, limited.token, `/Patient/${known.id}`)).status, 404);
  const [{ value }] = await w.sql('select value from patient_identifier where patient_id = $1', known.id);
  assert.equal((await done(patientOf(value), { as: limited.token })).outcome, 'linked');
  assert.equal((await w.world.fhir(w.here, limited.token, `/Patient/${known.id}`)).status, 200);
});

test('identifiers that contradict each other or the known patient are refused', async () => {
  const [nhs, chi, otherNhs] = [nationalNumber(), nationalNumber(), nationalNumber()];
  const both = (first: string, second: string) => ({
    identifier: [
      { system: NHS, value: first },
      { system: CHI, value: second },
    ],
  });
  const { id } = await done(patientOf(nhs));
  assert.equal((await done(patientOf(nhs, both(nhs, chi)))).outcome, 'updated');
  assert.equal((await done({ ...patientOf(nhs), identifier: [{ system: CHI, value: chi }] })).id, id);
  assert.equal((await send(patientOf(nhs, both(otherNhs, chi)))).code, 'identifier-conflict');
  const second = await done(patientOf(otherNhs));
  assert.equal((await send(patientOf(nhs, both(otherNhs, chi)))).code, 'identifier-conflict');
  assert.notEqual(second.id, id);
  assert.equal((await stored(id)).identifier.length, 2);
});

test('a Patient under a label that the connection does not cover is linked, and neither shown nor changed', async () => {
  const number = nationalNumber();
  const label = {
    meta: {
      security: [
        { system: 'http://fhir.patientsknowbest.com/codesystem/privacy-label', code: 'MENTAL_HEALTH' },
      ],
    },
  };
  const { id } = await done(patientOf(number, label));
  const limited = await w.world.access(w.there, {
    scopes: ['system/Patient.$process-message'],
    labels: labelBits('GENERAL_HEALTH'),
  });
  const options = { as: limited.token, to: w.there };
  assert.equal((await done(patientOf(number, { gender: 'male' }), options)).outcome, 'linked');
  assert.equal((await done(patientOf(number, { gender: 'male' }), options)).outcome, 'unchanged');
  assert.equal((await stored(id)).gender, 'female');
  assert.equal((await send(patientOf(nationalNumber(), label), options)).code, 'label-not-covered');
});

test('an e-mail address leads to one invitation, where the connection may invite and the patient may join', async () => {
  const mails = () => w.sql(`select id, sealed from outbox where kind = 'invitation' order by created_at`);
  await w.sql('delete from outbox');
  const email = { telecom: [{ system: 'email', value: 'robin@example.org' }] };
  const number = nationalNumber();
  const { invited, id } = await done(patientOf(number, email));
  assert.equal(invited, true);
  assert.equal((await done(patientOf(number, email))).invited, false, 'one is open already');
  const [mail] = await mails();
  const { encryptionKey } = w.world.context.secrets;
  const message = openMessage(encryptionKey, mail.id, mail.sealed);
  assert.equal(message.to, 'robin@example.org');
  assert.match(message.text, /https:\/\/records\.example\/join#code=[A-Z0-9]{10}&token=[A-Z0-9]{10}\n/);
  assert.ok(!message.text.includes('Robin') && !message.text.includes(w.here.name));
  assert.equal((await w.sql('select 1 from invitation where patient_id = $1', id)).length, 1);

  const silent = await w.world.access(w.here, { scopes: ['system/Patient.$process-message'] });
  const cases: [object, string][] = [
    [patientOf(nationalNumber(), email), silent.token],
    [patientOf(nationalNumber(), { ...email, birthDate: '2020-01-01' }), w.token],
    [patientOf(nationalNumber(), { ...email, deceasedBoolean: true }), w.token],
    [patientOf(nationalNumber(), { telecom: [{ system: 'email', value: 'not an address' }] }), w.token],
  ];
  for (const [body, as] of cases) assert.equal((await done(body, { as })).invited, false);
  assert.equal((await mails()).length, 1);
});

test('under one Idempotency-Key it happens once, and a refusal leaves the key free', async () => {
  const number = nationalNumber();
  const headers = { 'idempotency-key': 'message-1' };
  assert.equal(
    (await send(patientOf(number, { gender: undefined }), { headers })).code,
    'demographics-needed',
  );
  const answers = await Promise.all(Array.from({ length: 4 }, () => send(patientOf(number), { headers })));
  for (const { json } of answers) assert.equal(said(json).outcome, 'created');
  assert.equal(
    (await send(patientOf(number, { gender: 'male' }), { headers })).code,
    'idempotency-key-reused',
  );
});

test('of many who send the same new patient at once, one record comes out', async () => {
  const number = nationalNumber();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => done(patientOf(number), n % 2 ? {} : { as: theirs, to: w.there })),
  );
  assert.equal(answers.filter(({ outcome }) => outcome === 'created').length, 1);
  assert.equal(answers.filter(({ outcome }) => outcome === 'linked').length, 1);
  assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
});

test('needs its own scope, which no wildcard gives', async () => {
  assert.equal((await send(patientOf(nationalNumber()), { as: reading })).code, 'scope-insufficient');
  assert.ok(OPERATION_SCOPES.includes('system/Patient.$process-message'));
});
