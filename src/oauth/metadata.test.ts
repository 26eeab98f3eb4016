import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, basic, oauthFixture } from './fixture.ts';
import { smartConfiguration } from './metadata.ts';
import { parseScope } from './scopes.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

const metadata = async () => (await f.app.inject('/.well-known/oauth-authorization-server')).json();

test('the metadata names the endpoints that answer, and nothing that does not', async () => {
  const { issuer, token_endpoint, introspection_endpoint, revocation_endpoint, ...rest } = await metadata();
  assert.equal(issuer, BASE_URL);
  const system = await f.addSystem();
  const headers = { authorization: basic(system.clientId, system.secret) };
  for (const url of [token_endpoint, introspection_endpoint, revocation_endpoint]) {
    assert.ok(url.startsWith(BASE_URL));
    const form = { grant_type: 'client_credentials', scope: 'system/Patient.rs', token: 'x' };
    assert.equal((await f.send(url.slice(BASE_URL.length), form, { headers })).status, 200, url);
  }
  for (const absent of ['authorization_endpoint', 'jwks_uri', 'registration_endpoint', 'userinfo_endpoint']) {
    assert.equal(rest[absent], undefined, absent);
  }
});

test('the metadata says how systems authenticate, at each endpoint', async () => {
  const document = await metadata();
  for (const endpoint of ['token', 'introspection', 'revocation']) {
    assert.deepEqual(document[`${endpoint}_endpoint_auth_methods_supported`], [
      'client_secret_basic',
      'private_key_jwt',
    ]);
    assert.deepEqual(document[`${endpoint}_endpoint_auth_signing_alg_values_supported`], ['RS384', 'ES384']);
  }
  assert.deepEqual(document.grant_types_supported, ['client_credentials']);
  assert.deepEqual(document.response_types_supported, []);
});

test('each scope in the metadata is one that can be given', async () => {
  const { scopes_supported: scopes } = await metadata();
  for (const scope of scopes) assert.ok(parseScope(scope), scope);
  assert.ok(scopes.includes('system/*.cruds') && scopes.includes('system/Patient.$status-query'));
});

test('a SMART client finds the same at a FHIR base', () => {
  const configuration = smartConfiguration(f.context, `${BASE_URL}/organisations/ZX1/fhir/R4`);
  assert.equal(configuration.token_endpoint, `${BASE_URL}/oauth/token`);
  assert.deepEqual(configuration.grant_types_supported, ['client_credentials']);
  assert.ok(configuration.capabilities.includes('client-confidential-asymmetric'));
  assert.ok(configuration.capabilities.includes('permission-v2'));
  assert.ok(!configuration.capabilities.some((capability) => capability.startsWith('launch')));
});
