import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { newSecret } from './client-secret.ts';
import { assertion, basic, GRANT, keyPair, oauthFixture } from './fixture.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
beforeEach(() => {
  f.entries.length = 0;
});
after(() => f.stop());

test('every request has one record, allowed or refused, with its reason and no secret', async () => {
  const system = await f.addSystem();
  const headers = { authorization: basic(system.clientId, system.secret) };
  const { json } = await f.token(system);
  await f.send('/oauth/introspect', { token: json.access_token }, { headers });
  await f.send('/oauth/revoke', { token: json.access_token }, { headers });
  await f.token(system, { scope: 'openid' });
  await f.token({ ...system, secret: newSecret() });
  await f.send('/oauth/token', GRANT);
  await f.send('/oauth/token', 'x'.repeat(20_000));
  await f.app.inject({ method: 'GET', url: '/oauth/token' });
  assert.deepEqual(
    f.entries.map(({ interaction, outcome, status, clientId }) => [interaction, outcome, status, clientId]),
    [
      ['token', 'allowed', 200, system.clientId],
      ['introspect', 'allowed', 200, system.clientId],
      ['revoke', 'allowed', 200, system.clientId],
      ['token', 'invalid_scope', 400, system.clientId],
      ['token', 'not-authenticated', 401, system.clientId],
      ['token', 'credentials-missing', 401, null],
      ['token', 'invalid_request', 413, null],
      ['token', 'invalid_request', 405, null],
    ],
  );
  for (const entry of f.entries) {
    assert.equal(entry.kind, 'token');
    assert.ok(entry.requestId && entry.address);
  }
  const written = JSON.stringify(f.entries);
  for (const secret of [system.secret, json.access_token]) assert.ok(!written.includes(secret));
  assert.equal(f.entries[0]!.detail, 'system/Patient.rs');
});

test('the record names the request that the caller can quote', async () => {
  const { headers } = await f.token(await f.addSystem());
  assert.equal(f.entries[0]!.requestId, headers['x-request-id']);
});

test('the record says which organisation a token is for', async () => {
  const { id, fhirBase } = await f.addOrganisation('ZY1');
  await f.token(await f.addSystem(), { resource: fhirBase });
  assert.equal(f.entries[0]!.organisationId, id);
});

test('what was typed in the place of a client id that no system has is not written down', async () => {
  await f.token({ clientId: 'my-secret-by-mistake', secret: 'x' });
  assert.equal(f.entries[0]!.clientId, null);
  assert.match(f.entries[0]!.detail!, /^client #/);
  assert.ok(!JSON.stringify(f.entries).includes('by-mistake'));
});

test('a suspended system that tries is recorded by its client id', async () => {
  const system = await f.addSystem({ standing: 'suspended' });
  await f.token(system);
  assert.deepEqual([f.entries[0]!.clientId, f.entries[0]!.outcome], [system.clientId, 'not-authenticated']);
});

test('why an assertion was refused is in the record', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const signed = { ...GRANT, ...(await assertion(clientId, key)) };
  await f.send('/oauth/token', signed);
  await f.send('/oauth/token', signed);
  await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, key, { claims: { aud: 'x' } })) });
  assert.deepEqual(
    f.entries.map((entry) => [entry.outcome, entry.clientId]),
    ['allowed', 'assertion-replayed', 'assertion-audience'].map((outcome) => [outcome, clientId]),
  );
});

test('without its record no token leaves', async () => {
  const system = await f.addSystem();
  f.audit.fails = true;
  try {
    const { status, text, headers } = await f.token(system);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '5');
    assert.doesNotMatch(text, /access_token/);
  } finally {
    f.audit.fails = false;
  }
});

test('after ten failures a client id waits at that address, and nowhere else', async () => {
  const system = await f.addSystem();
  const wrong = { ...system, secret: newSecret() };
  const attacker = { address: '198.51.100.66' };
  for (let attempt = 0; attempt < 10; attempt += 1) {
    assert.equal((await f.token(wrong, {}, attacker)).status, 401);
  }
  const { status, json, headers } = await f.token(wrong, {}, attacker);
  assert.equal(status, 429);
  assert.equal(json.error, 'temporarily_unavailable');
  assert.ok(Number(headers['retry-after']) > 0 && Number(headers['retry-after']) <= 60);
  assert.deepEqual(
    [f.entries.at(-1)!.outcome, f.entries.at(-1)!.clientId],
    ['too-many-attempts', system.clientId],
  );
  assert.equal((await f.token(system, {}, attacker)).status, 429);
  assert.equal((await f.token(system, {}, { ...attacker, through: f.otherApp })).status, 429);
  assert.equal((await f.token(system)).status, 200);
  const other = await f.addSystem();
  assert.equal((await f.token(other, {}, attacker)).status, 200);
});

test('who has waited may try again', async () => {
  const system = await f.addSystem();
  const wrong = { ...system, secret: newSecret() };
  for (let attempt = 0; attempt < 11; attempt += 1) await f.token(wrong);
  assert.equal((await f.token(system)).status, 429);
  await f.owner.query(`update attempt set window_started_at = now() - interval '61 seconds', blocked_until = now()
                        where blocked_until is not null`);
  assert.equal((await f.token(system)).status, 200);
});

test('an unknown client id waits like a known one', async () => {
  const unknown = { clientId: 'nobody', secret: 'x' };
  const statuses = [];
  for (let attempt = 0; attempt < 11; attempt += 1) statuses.push((await f.token(unknown)).status);
  assert.deepEqual(statuses.slice(-2), [401, 429]);
});

test('failures at once are all counted', async () => {
  const wrong = { ...(await f.addSystem()), secret: newSecret() };
  await Promise.all(Array.from({ length: 12 }, () => f.token(wrong)));
  assert.equal((await f.token(wrong)).status, 429);
});

test('requests that are wrong but authenticated are no failed attempts', async () => {
  const system = await f.addSystem();
  for (let attempt = 0; attempt < 12; attempt += 1) await f.token(system, { scope: 'openid' });
  assert.equal((await f.token(system)).status, 200);
});

test('while the database is away the answer is 503, with nothing of what is inside', async () => {
  const g = await oauthFixture();
  const system = await g.addSystem();
  assert.equal((await g.token(system)).status, 200);
  await g.db.database.service.end();
  for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
    const { status, json, headers } = await g.send(
      path,
      { ...GRANT, token: 'x' },
      {
        headers: { authorization: basic(system.clientId, system.secret) },
      },
    );
    assert.equal(status, 503, path);
    assert.deepEqual(Object.keys(json), ['error', 'error_description']);
    assert.equal(json.error, 'temporarily_unavailable');
    assert.ok(headers['retry-after']);
  }
  await g.stop();
});
