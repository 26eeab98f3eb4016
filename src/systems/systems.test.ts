import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { newRootId } from '../ids.ts';
import { keyPair } from '../oauth/fixture.ts';
import {
  approveSystem,
  resumeSystem,
  returnToDraft,
  submitForReview,
  suspendSystem,
} from './change-standing.ts';
import { setKeysUrl, uploadKeys } from './keys.ts';
import { type Registration, registerSystem } from './register-system.ts';
import { secretHash } from './secret.ts';
import { addSecret, endSecret } from './secrets.ts';

const pepper = randomBytes(32);
const companyId = newRootId();
let db: TestDatabase;
let pool: TestDatabase['database']['service'];

before(async () => {
  db = await testDatabase();
  pool = db.database.service;
  await db.database.owner.query('insert into company (id, name) values ($1, $2)', [companyId, 'Example Ltd']);
});
after(() => db.stop());

const RIGHT: Registration = {
  companyId,
  name: 'Example Letters',
  purpose: 'Sends letters to patients and prints those that are not read.',
  contactName: 'Asha Example',
  contactEmail: 'asha@example.org',
  privacyNoticeUrl: 'https://example.org/privacy',
  scopes: ['system/Patient.rs'],
  authMethod: 'client_secret_basic',
};
const bySecret = () => registerSystem(pool, RIGHT);
const byKeys = () => registerSystem(pool, { ...RIGHT, authMethod: 'private_key_jwt' });
const row = async (clientId: string) =>
  (await db.database.owner.query('select * from system where client_id = $1', [clientId])).rows[0];
const secretsOf = async (clientId: string) =>
  (
    await db.database.owner.query('select * from system_secret where client_id = $1 order by created_at', [
      clientId,
    ])
  ).rows;

test('a system is registered as a draft, its scopes spelled out', async () => {
  const { clientId } = await registerSystem(pool, {
    ...RIGHT,
    name: '  Example \u00a0 Letters ',
    scopes: [
      'system/Observation.read',
      'system/Patient.s',
      'system/Patient.r',
      'system/Patient.$status-query',
    ],
  });
  const { standing, name, scopes, permissions } = await row(clientId);
  assert.equal(standing, 'draft');
  assert.equal(name, 'Example Letters');
  assert.deepEqual(scopes, ['system/Observation.rs', 'system/Patient.rs', 'system/Patient.$status-query']);
  assert.deepEqual(permissions.toSorted(), [
    'Observation.r',
    'Observation.s',
    'Patient.$status-query',
    'Patient.r',
    'Patient.s',
  ]);
});

for (const [what, change, code] of [
  ['no name', { name: '  ' }, 'SYSTEM_DETAILS_INVALID'],
  ['a name with hidden characters', { name: 'Example\u202eLetters' }, 'SYSTEM_DETAILS_INVALID'],
  ['a name that is far too long', { name: 'x'.repeat(201) }, 'SYSTEM_DETAILS_INVALID'],
  ['no purpose', { purpose: '' }, 'SYSTEM_DETAILS_INVALID'],
  ['no e-mail address', { contactEmail: 'asha' }, 'SYSTEM_DETAILS_INVALID'],
  [
    'a privacy notice that is a script',
    { privacyNoticeUrl: 'javascript:alert(1)' },
    'SYSTEM_DETAILS_INVALID',
  ],
  ['a privacy notice without https', { privacyNoticeUrl: 'http://example.org' }, 'SYSTEM_DETAILS_INVALID'],
  ['another way to authenticate', { authMethod: 'none' as never }, 'SYSTEM_DETAILS_INVALID'],
  ['no scopes', { scopes: [] }, 'SYSTEM_SCOPES_INVALID'],
  ['an unknown scope', { scopes: ['system/Patient.rs', 'system/Patients.rs'] }, 'SYSTEM_SCOPES_INVALID'],
  ['a conditional scope', { scopes: ['system/Observation.rs?category=x'] }, 'SYSTEM_SCOPES_INVALID'],
] as const) {
  test(`a system with ${what} is not registered`, async () => {
    await assert.rejects(registerSystem(pool, { ...RIGHT, ...change } as Registration), { code });
  });
}

test('a secret is shown once and kept as a hash', async () => {
  const { clientId } = await bySecret();
  const { secret, secretId } = await addSecret(pool, pepper, { clientId });
  const [kept] = await secretsOf(clientId);
  assert.equal(kept.id, secretId);
  assert.deepEqual(kept.secret_hash, secretHash(pepper, secret));
  assert.ok(!JSON.stringify(kept).includes(secret));
});

test('two secrets may be live, a third only when one has ended or expired', async () => {
  const { clientId } = await bySecret();
  const { secretId } = await addSecret(pool, pepper, { clientId });
  await addSecret(pool, pepper, { clientId });
  await assert.rejects(addSecret(pool, pepper, { clientId }), { code: 'SECRETS_TOO_MANY' });
  await endSecret(pool, { clientId, secretId });
  await addSecret(pool, pepper, { clientId });
  await db.database.owner.query('update system_secret set expires_at = now() where client_id = $1', [
    clientId,
  ]);
  await addSecret(pool, pepper, { clientId, expiresAt: new Date(Date.now() + 60_000) });
});

test('of ten who add a secret at once, two do', async () => {
  const { clientId } = await bySecret();
  const added = await Promise.allSettled(
    Array.from({ length: 10 }, () => addSecret(pool, pepper, { clientId })),
  );
  assert.equal(added.filter(({ status }) => status === 'fulfilled').length, 2);
  assert.equal((await secretsOf(clientId)).length, 2);
});

test('ending a secret twice keeps the time of the first', async () => {
  const { clientId } = await bySecret();
  const { secretId } = await addSecret(pool, pepper, { clientId });
  await endSecret(pool, { clientId, secretId });
  const [first] = await secretsOf(clientId);
  await endSecret(pool, { clientId, secretId });
  assert.deepEqual((await secretsOf(clientId))[0], first);
});

test("one system cannot end another's secret", async () => {
  const [one, other] = [await bySecret(), await bySecret()];
  const { secretId } = await addSecret(pool, pepper, one);
  await assert.rejects(endSecret(pool, { clientId: other.clientId, secretId }), { code: 'SECRET_UNKNOWN' });
  await assert.rejects(endSecret(pool, { ...one, secretId: randomUUID() }), { code: 'SECRET_UNKNOWN' });
  assert.equal((await secretsOf(one.clientId))[0].ended_at, null);
});

test('a system with keys has no secret, one with a secret no keys', async () => {
  await assert.rejects(addSecret(pool, pepper, await byKeys()), { code: 'SYSTEM_METHOD_OTHER' });
  const { clientId } = await bySecret();
  await assert.rejects(uploadKeys(pool, { clientId, jwks: { keys: [keyPair().jwk] } }), {
    code: 'SYSTEM_METHOD_OTHER',
  });
  await assert.rejects(setKeysUrl(pool, { clientId, url: 'https://example.org/jwks' }), {
    code: 'SYSTEM_METHOD_OTHER',
  });
});

test('uploaded keys take the place of those before, and of a URL', async () => {
  const { clientId } = await byKeys();
  await setKeysUrl(pool, { clientId, url: 'https://example.org/jwks' });
  await db.database.owner.query(
    `insert into fetched_jwks (client_id, jwks, fetched_at) values ($1, '{"keys":[]}', now())`,
    [clientId],
  );
  const [first, second] = [keyPair('ES384', 'first'), keyPair('RS384', 'second')];
  assert.deepEqual(await uploadKeys(pool, { clientId, jwks: { keys: [first.jwk] } }), { kids: ['first'] });
  assert.deepEqual(await uploadKeys(pool, { clientId, jwks: { keys: [second.jwk] } }), { kids: ['second'] });
  const { jwks, jwks_uri } = await row(clientId);
  assert.deepEqual(
    jwks.keys.map(({ kid }: { kid: string }) => kid),
    ['second'],
  );
  assert.equal(jwks_uri, null);
  const { rowCount } = await db.database.owner.query('select from fetched_jwks where client_id = $1', [
    clientId,
  ]);
  assert.equal(rowCount, 0);
});

const { jwk } = keyPair('ES384', 'k');
for (const [what, jwks] of [
  ['no key set', 'x'],
  ['no key', { keys: [] }],
  ['a private key', { keys: [{ ...jwk, d: 'AQAB' }] }],
  ['a key without kid', { keys: [{ ...jwk, kid: undefined }] }],
  ['a key that cannot be used beside one that can', { keys: [jwk, { ...jwk, kid: 'other', use: 'enc' }] }],
  ['two keys under one kid', { keys: [jwk, keyPair('ES384', 'k').jwk] }],
] as const) {
  test(`${what} is not taken as a system's keys, and the old ones stay`, async () => {
    const { clientId } = await byKeys();
    await uploadKeys(pool, { clientId, jwks: { keys: [jwk] } });
    await assert.rejects(uploadKeys(pool, { clientId, jwks }), { code: 'KEYS_INVALID' });
    assert.equal((await row(clientId)).jwks.keys.length, 1);
  });
}

for (const url of [
  'http://example.org/jwks',
  'https://127.0.0.1/jwks',
  'https://[::1]/',
  'nonsense',
  'https://a:b@example.org/',
]) {
  test(`keys are not to be fetched from ${url}`, async () => {
    await assert.rejects(setKeysUrl(pool, { ...(await byKeys()), url }), { code: 'KEYS_URL_INVALID' });
  });
}

test('a system goes from draft through review to live, and can be suspended and resumed', async () => {
  const { clientId } = await bySecret();
  await addSecret(pool, pepper, { clientId });
  for (const [act, standing] of [
    [submitForReview, 'in-review'],
    [returnToDraft, 'draft'],
    [submitForReview, 'in-review'],
    [approveSystem, 'live'],
    [suspendSystem, 'suspended'],
    [resumeSystem, 'live'],
  ] as const) {
    await act(pool, clientId);
    assert.equal((await row(clientId)).standing, standing);
  }
});

test('no step is left out', async () => {
  const { clientId } = await bySecret();
  await addSecret(pool, pepper, { clientId });
  for (const act of [approveSystem, suspendSystem, resumeSystem, returnToDraft]) {
    await assert.rejects(act(pool, clientId), { code: 'SYSTEM_STANDING_OTHER' });
  }
  assert.equal((await row(clientId)).standing, 'draft');
});

test('a system that cannot prove who it is does not go live', async () => {
  for (const { clientId } of [await bySecret(), await byKeys()]) {
    await assert.rejects(submitForReview(pool, clientId), { code: 'SYSTEM_NO_CREDENTIALS' });
    assert.equal((await row(clientId)).standing, 'draft');
  }
});

test('of those who suspend a system at once one does, and the others are told', async () => {
  const { clientId } = await bySecret();
  await addSecret(pool, pepper, { clientId });
  await submitForReview(pool, clientId);
  await approveSystem(pool, clientId);
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => suspendSystem(pool, clientId)));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('what is not there cannot be changed', async () => {
  const clientId = 'nobody';
  await assert.rejects(suspendSystem(pool, clientId), { code: 'SYSTEM_UNKNOWN' });
  await assert.rejects(addSecret(pool, pepper, { clientId }), { code: 'SYSTEM_UNKNOWN' });
  await assert.rejects(uploadKeys(pool, { clientId, jwks: { keys: [jwk] } }), { code: 'SYSTEM_UNKNOWN' });
});
