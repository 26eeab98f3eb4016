import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hashAccessCode, hashInvitationCode } from '../../invitations/codes.ts';
import { entriesOf, nationalNumber, type OperationsWorld, operationsWorld } from './fixture.ts';

const INVITE = 'Organization/$generate-invitation-tokens';

let w: OperationsWorld;

before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

type Rest = Parameters<OperationsWorld['ask']> extends [string, ...infer Rest] ? Rest : never;
const ask = async (...args: Rest) => {
  const answer = await w.ask(INVITE, ...args);
  assert.equal(answer.status, 200, answer.text);
  return entriesOf(answer.json, 'patientTokens');
};
const invitations = (patient: { id: string }) =>
  w.sql('select * from invitation where patient_id = $1 order by created_at', patient.id);
const yearsAgo = (years: number, days = 0) => {
  const at = new Date(Date.now() + days * 86_400_000);
  at.setUTCFullYear(at.getUTCFullYear() - years);
  return at.toISOString().slice(0, 10);
};

test('makes a pair that lives ten weeks, and keeps nothing of it but hashes', async () => {
  const patient = await w.patient();
  const [entry] = await ask([patient.number]);
  assert.equal(entry!.outcome, 'invited');
  for (const code of [entry!.code, entry!.token]) assert.match(code, /^[A-Z0-9]{10}$/);
  const [row] = await invitations(patient);
  const { pepper } = w.world.context.secrets;
  assert.deepEqual(row.code_hash, hashInvitationCode(pepper, entry!.code));
  assert.deepEqual(row.token_hash, hashAccessCode(pepper, entry!.token));
  assert.deepEqual(
    [row.organisation_id, row.created_by_connection, row.expires_at.toISOString()],
    [w.here.id, w.access.connection.id, entry!.expiry],
  );
  const days = (Date.parse(entry!.expiry) - Date.now()) / 86_400_000;
  assert.ok(days > 69.9 && days < 70.1, String(days));
  const { patients, detail } = w.world.audit.at(-1)!;
  assert.deepEqual([patients, detail], [[patient.id], 'invited 1']);
});

test('the organisation may set another life for its pairs', async () => {
  const patient = await w.patient(w.there);
  const { token: as } = await w.world.access(w.there, {
    scopes: ['system/Organization.$generate-invitation-tokens'],
  });
  await w.sql('update organisation set invitation_days = 14 where id = $1', w.there.id);
  const [entry] = await ask([patient.number], { as, to: w.there });
  const days = (Date.parse(entry!.expiry) - Date.now()) / 86_400_000;
  assert.ok(days > 13.9 && days < 14.1, String(days));
});

test('says of each who gets none why, and makes none for them', async () => {
  const dead = await w.patient();
  await w.sql('update patient set deceased = true where id = $1', dead.id);
  const joined = await w.patient();
  await w.sql('update patient set joined_at = now() where id = $1', joined.id);
  const undated = await w.patient();
  await w.sql('update patient set birth_date = null where id = $1', undated.id);
  const child = await w.patient(w.here, { birthDate: yearsAgo(16, 2) });
  const grown = await w.patient(w.here, { birthDate: yearsAgo(16, -2) });
  const elsewhere = await w.patient(w.there);
  const numbers = [dead, joined, undated, child, elsewhere].map(({ number }) => number);
  const entries = await ask([
    ...numbers,
    nationalNumber(),
    '999',
    { system: 'urn:x', value: '1' },
    grown.number,
  ]);
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    [
      'deceased',
      'already-registered',
      'birth-date-missing',
      'under-16',
      'not-found',
      'not-found',
      'identifier-invalid',
      'identifier-unsupported',
      'invited',
    ],
  );
  for (const entry of entries.slice(0, -1)) {
    assert.equal('code' in entry || 'token' in entry, false);
    assert.ok(entry.diagnostics);
  }
  for (const patient of [dead, joined, undated, child, elsewhere])
    assert.deepEqual(await invitations(patient), []);
  assert.deepEqual({ ...entries[4], patientIdentifier: 0 }, { ...entries[5], patientIdentifier: 0 });
});

test('a patient named twice in one request gets one pair, answered twice', async () => {
  const patient = await w.patient();
  const [first, second] = await ask([patient.number, patient.number]);
  assert.deepEqual(first, second);
  assert.equal((await invitations(patient)).length, 1);
});

test('earlier pairs stay, unless the caller asks that they end; those of other organisations stay in any case', async () => {
  const patient = await w.patient();
  await w.world.register(patient, w.there);
  const { token: theirs } = await w.world.access(w.there, {
    scopes: ['system/Organization.$generate-invitation-tokens'],
  });
  await ask([patient.number], { as: theirs, to: w.there });
  await ask([patient.number]);
  await ask([patient.number]);
  assert.deepEqual(
    (await invitations(patient)).map(({ revoked_at }) => revoked_at),
    [null, null, null],
  );
  await ask([patient.number], { flags: { revokeOlder: true } });
  assert.deepEqual(
    (await invitations(patient)).map(({ revoke_reason, organisation_id }) => [
      organisation_id,
      revoke_reason,
    ]),
    [
      [w.there.id, null],
      [w.here.id, 'replaced'],
      [w.here.id, 'replaced'],
      [w.here.id, null],
    ],
  );
});

test('of many who ask at once that older pairs end, exactly one pair is left', async () => {
  const patients = [await w.patient(), await w.patient(), await w.patient()];
  const numbers = patients.map(({ number }) => number);
  await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      ask(n % 2 ? numbers : [...numbers].reverse(), { flags: { revokeOlder: true } }),
    ),
  );
  for (const patient of patients) {
    const rows = await invitations(patient);
    assert.equal(rows.length, 8);
    assert.equal(rows.filter(({ revoked_at }) => revoked_at === null).length, 1);
  }
});

test('takes one to five hundred identifiers, and refuses none and more', async () => {
  const many = Array.from({ length: 499 }, nationalNumber);
  const patient = await w.patient();
  const entries = await ask([...many, patient.number]);
  assert.deepEqual([entries.length, entries.at(-1)!.outcome], [500, 'invited']);
  assert.equal((await w.ask(INVITE, [])).code, 'parameters-invalid');
  assert.equal((await w.ask(INVITE, [...many, patient.number, patient.number])).code, 'too-many');
});

test('under one Idempotency-Key one pair is made, however often and concurrently it is sent', async () => {
  const patient = await w.patient();
  const headers = { 'idempotency-key': 'a-key-of-the-caller' };
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => w.ask(INVITE, [patient.number], { headers })),
  );
  const later = await w.ask(INVITE, [patient.number], { headers });
  const [first] = answers;
  for (const { status, text } of [...answers, later]) assert.deepEqual([status, text], [200, first!.text]);
  assert.equal(later.headers['idempotency-replayed'], 'true');
  assert.equal((await invitations(patient)).length, 1);
  assert.deepEqual(w.world.audit.at(-1)!.patients, [patient.id]);
});

test('an Idempotency-Key that comes back with another request is refused, and nothing is done', async () => {
  const [one, other] = [await w.patient(), await w.patient()];
  const headers = { 'idempotency-key': '"quoted-key"' };
  await ask([one.number], { headers });
  const refused = await w.ask(INVITE, [other.number], { headers });
  assert.deepEqual([refused.status, refused.code], [422, 'idempotency-key-reused']);
  assert.deepEqual(await invitations(other), []);
  assert.equal(
    (await w.ask(INVITE, [one.number], { headers: { 'idempotency-key': 'quoted-key' } })).status,
    200,
  );
  for (const key of ['', ' ', 'x'.repeat(256), 'naïve']) {
    const answer = await w.ask(INVITE, [one.number], { headers: { 'idempotency-key': key } });
    assert.equal(answer.code, 'idempotency-key-invalid', key);
  }
});

test('a key is one system’s at one organisation, and lasts a day', async () => {
  const patient = await w.patient();
  await w.world.register(patient, w.there);
  const headers = { 'idempotency-key': 'shared' };
  const scopes = ['system/Organization.$generate-invitation-tokens'];
  const other = await w.world.access(w.here, { scopes });
  const theirs = await w.world.access(w.there, { scopes });
  const codes = [
    (await ask([patient.number], { headers }))[0]!.code,
    (await ask([patient.number], { headers, as: other.token }))[0]!.code,
    (await ask([patient.number], { headers, as: theirs.token, to: w.there }))[0]!.code,
  ];
  await w.sql(`update operation_answer set expires_at = now() - interval '1 second'`);
  codes.push((await ask([patient.number], { headers }))[0]!.code);
  assert.equal(new Set(codes).size, 4);
});

test('what is kept of an answer holds no code, and is not given to a connection that was revoked', async () => {
  const patient = await w.patient();
  const headers = { 'idempotency-key': 'kept' };
  const access = await w.world.access(w.here, {
    scopes: ['system/Organization.$generate-invitation-tokens'],
  });
  const [entry] = await ask([patient.number], { headers, as: access.token });
  const kept = await w.sql('select encode(sealed, $1) as text from operation_answer', 'escape');
  assert.ok(kept.length > 0);
  for (const { text } of kept) assert.ok(!text.includes(entry!.code) && !text.includes(patient.number));
  await w.world.revoke(access.connection);
  const refused = await w.ask(INVITE, [patient.number], { headers, as: access.token });
  assert.equal(refused.code, 'connection-revoked');
});

test('an answer that was refused leaves its key free', async () => {
  const patient = await w.patient();
  const headers = { 'idempotency-key': 'free' };
  assert.equal((await w.ask(INVITE, [], { headers })).status, 400);
  assert.equal((await ask([patient.number], { headers }))[0]!.outcome, 'invited');
});

test('it is no part of a transaction, which could take it back', async () => {
  const patient = await w.patient();
  const { token: as } = await w.world.access(w.here, {
    scopes: ['system/Organization.$generate-invitation-tokens', 'system/*.cruds'],
  });
  const resource = {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'patientIdentifier',
        valueIdentifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: patient.number },
      },
    ],
  };
  const bundle = (type: string) => ({
    resourceType: 'Bundle',
    type,
    entry: [{ resource, request: { method: 'POST', url: INVITE } }],
  });
  const refused = await w.world.fhir(w.here, as, '', { method: 'POST', body: bundle('transaction') });
  assert.equal(refused.status, 400, refused.text);
  assert.deepEqual(await invitations(patient), []);
  const batch = await w.world.fhir(w.here, as, '', { method: 'POST', body: bundle('batch') });
  assert.equal(batch.json.entry[0].response.status, '200 OK', batch.text);
  assert.equal((await invitations(patient)).length, 1);
});
