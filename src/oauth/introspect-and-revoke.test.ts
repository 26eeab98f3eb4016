import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { basic, oauthFixture } from './fixture.ts';
import { tokenHash } from './token-hash.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

type System = { clientId: string; secret: string };
const by = ({ clientId, secret }: System) => ({ headers: { authorization: basic(clientId, secret) } });
const introspect = (system: System, token: string, more = {}) =>
  f.send('/oauth/introspect', { token, ...more }, by(system));
const revoke = (system: System, token: string, more = {}) =>
  f.send('/oauth/revoke', { token, ...more }, by(system));
const tokenOf = async (system: System) => (await f.token(system)).json.access_token as string;

test('a system sees what its own token allows and until when', async () => {
  const system = await f.addSystem();
  const { status, json, headers } = await introspect(system, await tokenOf(system));
  assert.equal(status, 200);
  const { iat, exp, ...rest } = json;
  assert.equal(exp - iat, 300);
  assert.ok(Math.abs(iat - Date.now() / 1000) < 30);
  assert.deepEqual(rest, {
    active: true,
    client_id: system.clientId,
    iss: 'https://service.example.org',
    scope: 'system/Patient.rs',
    token_type: 'Bearer',
  });
  assert.equal(headers['cache-control'], 'no-store');
});

test("another system's token is not active, just as one that never was", async () => {
  const [owner, other] = [await f.addSystem(), await f.addSystem()];
  const foreign = await introspect(other, await tokenOf(owner));
  const none = await introspect(other, 'never-was');
  assert.deepEqual(foreign.json, { active: false });
  assert.deepEqual([foreign.status, foreign.text], [none.status, none.text]);
});

test('a text that looks like a JWT is not active, and no error', async () => {
  const system = await f.addSystem();
  const jwt = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
  assert.deepEqual((await introspect(system, jwt)).json, { active: false });
  assert.deepEqual([(await revoke(system, jwt)).status, (await revoke(system, jwt)).text], [200, '']);
});

test('a token that has expired is not active', async () => {
  const system = await f.addSystem();
  const token = await tokenOf(system);
  await f.owner.query('update access_token set expires_at = now() where token_hash = $1', [tokenHash(token)]);
  assert.deepEqual((await introspect(system, token)).json, { active: false });
});

test('a revoked token is not active at once, on every process', async () => {
  const system = await f.addSystem();
  const token = await tokenOf(system);
  const { status, text } = await revoke(system, token);
  assert.deepEqual([status, text], [200, '']);
  const elsewhere = await f.send('/oauth/introspect', { token }, { ...by(system), through: f.otherApp });
  assert.deepEqual(elsewhere.json, { active: false });
  assert.equal((await revoke(system, token)).status, 200);
});

test("another system's token is not revoked, and the answer does not tell whether it lives", async () => {
  const [owner, other] = [await f.addSystem(), await f.addSystem()];
  const token = await tokenOf(owner);
  assert.deepEqual((await revoke(other, token)).text, (await revoke(other, 'never-was')).text);
  assert.equal((await introspect(owner, token)).json.active, true);
});

test('a hint, right or wrong, changes nothing', async () => {
  const system = await f.addSystem();
  const token = await tokenOf(system);
  for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense']) {
    assert.equal((await introspect(system, token, { token_type_hint })).json.active, true);
  }
  await revoke(system, token, { token_type_hint: 'refresh_token' });
  assert.equal((await introspect(system, token)).json.active, false);
});

test('a suspended system can neither ask nor revoke, and its tokens are found no more', async () => {
  const system = await f.addSystem();
  const token = await tokenOf(system);
  await f.owner.query(`update system set standing = 'suspended' where client_id = $1`, [system.clientId]);
  assert.equal((await introspect(system, token)).status, 401);
  assert.equal((await revoke(system, token)).status, 401);
  await f.owner.query(`update system set standing = 'live' where client_id = $1`, [system.clientId]);
  assert.equal((await introspect(system, token)).json.active, true);
});

for (const path of ['/oauth/introspect', '/oauth/revoke']) {
  test(`${path} without a token is invalid_request`, async () => {
    const { status, json } = await f.send(path, { token: '' }, by(await f.addSystem()));
    assert.equal(status, 400);
    assert.equal(json.error, 'invalid_request');
  });

  test(`${path} without authentication is invalid_client`, async () => {
    const { status, json, headers } = await f.send(path, { token: await tokenOf(await f.addSystem()) });
    assert.equal(status, 401);
    assert.equal(json.error, 'invalid_client');
    assert.match(String(headers['www-authenticate']), /^Basic /);
  });

  test(`${path} is not authenticated by the token itself`, async () => {
    const token = await tokenOf(await f.addSystem());
    const { status } = await f.send(path, { token }, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(status, 401);
  });
}
