import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, mock, test } from 'node:test';
import { assertion, BASE_URL, GRANT, keyPair, oauthFixture } from './fixture.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

const TOKEN_ENDPOINT = `${BASE_URL}/oauth/token`;
const nowS = () => Math.floor(Date.now() / 1000);

for (const alg of ['ES384', 'RS384'] as const) {
  test(`a system with an uploaded key is given a token for an assertion signed with ${alg}`, async () => {
    const key = keyPair(alg);
    const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk, keyPair().jwk] } });
    const { status, json } = await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, key)) });
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.scope, 'system/Patient.rs');
  });
}

for (const [what, claims] of [
  ['the issuer as audience', () => ({ aud: BASE_URL })],
  ['its audience as a list of one', () => ({ aud: [TOKEN_ENDPOINT] })],
  ['the whole five minutes', () => ({ iat: nowS(), exp: nowS() + 300 })],
  ['a clock half a minute behind', () => ({ iat: nowS() - 320, exp: nowS() - 20 })],
  ['a clock half a minute ahead', () => ({ iat: nowS() + 20, exp: nowS() + 320 })],
  ['no iat, which is optional', () => ({ iat: undefined })],
  ['an nbf that has come', () => ({ nbf: nowS() })],
] as const) {
  test(`an assertion with ${what} is accepted`, async () => {
    const key = keyPair();
    const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
    const signed = await assertion(clientId, key, { claims: claims() });
    const { status, json } = await f.send('/oauth/token', { ...GRANT, ...signed });
    assert.equal(status, 200, JSON.stringify(json));
  });
}

for (const [what, changes, description] of [
  [
    'another audience',
    () => ({ claims: { aud: 'https://elsewhere.example.org/oauth/token' } }),
    /aud must be/,
  ],
  [
    'a further audience',
    () => ({ claims: { aud: [TOKEN_ENDPOINT, 'https://elsewhere.example.org'] } }),
    /aud must be/,
  ],
  ['the audience with a slash', () => ({ claims: { aud: `${TOKEN_ENDPOINT}/` } }), /aud must be/],
  ['no audience', () => ({ claims: { aud: undefined } }), /aud must be/],
  ['an empty list of audiences', () => ({ claims: { aud: [] } }), /aud must be/],
  ['no expiry', () => ({ claims: { exp: undefined } }), /exp must be a number/],
  ['an expiry that has passed', () => ({ claims: { iat: undefined, exp: nowS() - 40 } }), /exp has passed/],
  [
    'an expiry an hour ahead',
    () => ({ claims: { iat: undefined, exp: nowS() + 3600 } }),
    /at most 300 s ahead/,
  ],
  [
    'a life of more than five minutes',
    () => ({ claims: { iat: nowS() - 200, exp: nowS() + 200 } }),
    /300 s after iat/,
  ],
  [
    'an iat in the future',
    () => ({ claims: { iat: nowS() + 100, exp: nowS() + 200 } }),
    /iat lies in the future/,
  ],
  [
    'an iat after its exp',
    () => ({ claims: { iat: nowS() + 10, exp: nowS() + 5 } }),
    /exp must be after iat/,
  ],
  ['an nbf in the future', () => ({ claims: { nbf: nowS() + 100 } }), /nbf lies in the future/],
  ['no jti', () => ({ claims: { jti: undefined } }), /jti must be/],
  ['an empty jti', () => ({ claims: { jti: '' } }), /jti must be/],
  ['another issuer', () => ({ claims: { iss: 'another' } }), /iss and sub/],
  ['no issuer', () => ({ claims: { iss: undefined } }), /iss and sub/],
  ['no subject', () => ({ claims: { sub: undefined } }), /iss and sub/],
  ['no kid', () => ({ header: { kid: undefined } }), /must have a kid/],
  ['an unknown kid', () => ({ header: { kid: 'unknown' } }), /could not be authenticated/],
  [
    'a jku that is not the registered one',
    () => ({ header: { jku: 'https://elsewhere.example.org/jwks' } }),
    /could not be/,
  ],
] as const) {
  test(`an assertion with ${what} is refused`, async () => {
    const key = keyPair();
    const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
    const signed = await assertion(clientId, key, changes());
    const { status, json } = await f.send('/oauth/token', { ...GRANT, ...signed });
    assert.equal(status, 401);
    assert.equal(json.error, 'invalid_client');
    assert.match(json.error_description, description);
  });
}

test("another server's audience is not made ours by the Host header", async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const signed = await assertion(clientId, key, { claims: { aud: 'https://evil.example.org/oauth/token' } });
  const headers = {
    host: 'evil.example.org',
    'x-forwarded-host': 'evil.example.org',
    'x-forwarded-proto': 'https',
  };
  assert.equal((await f.send('/oauth/token', { ...GRANT, ...signed }, { headers })).status, 401);
});

for (const alg of ['RS256', 'PS384', 'ES256', 'HS384', 'none']) {
  test(`an assertion signed with ${alg} is refused`, async () => {
    const key = keyPair('RS384');
    const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
    const fields = await assertion(clientId, key);
    const [, payload] = fields.client_assertion.split('.');
    const header = Buffer.from(JSON.stringify({ alg, kid: key.kid })).toString('base64url');
    // For HS384 the public key is the one secret an attacker could try.
    const mac = createHmac('sha384', JSON.stringify(key.jwk))
      .update(`${header}.${payload}`)
      .digest('base64url');
    const client_assertion = `${header}.${payload}.${alg === 'none' ? '' : mac}`;
    const { status, json } = await f.send('/oauth/token', { ...GRANT, ...fields, client_assertion });
    assert.equal(status, 401);
    assert.match(json.error_description, /alg must be RS384 or ES384/);
  });
}

test('an assertion signed with a key of the other kind under a known kid is refused', async () => {
  const kid = randomUUID();
  const registered = keyPair('ES384', kid);
  const other = keyPair('RS384', kid);
  const { clientId } = await f.addSystem({ jwks: { keys: [registered.jwk] } });
  const { status } = await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, other)) });
  assert.equal(status, 401);
});

test('an assertion whose content was changed is refused', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const fields = await assertion(clientId, key);
  const [header, payload, signature] = fields.client_assertion.split('.');
  const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, jti: randomUUID() })).toString('base64url');
  const client_assertion = `${header}.${changed}.${signature}`;
  assert.equal((await f.send('/oauth/token', { ...GRANT, ...fields, client_assertion })).status, 401);
});

test("one system's key proves nothing about another", async () => {
  const key = keyPair();
  await f.addSystem({ jwks: { keys: [key.jwk] } });
  const victim = await f.addSystem({ jwks: { keys: [keyPair().jwk] } });
  assert.equal(
    (await f.send('/oauth/token', { ...GRANT, ...(await assertion(victim.clientId, key)) })).status,
    401,
  );
});

test('two keys under one kid are no key, though either would fit', async () => {
  const kid = randomUUID();
  const [first, second] = [keyPair('ES384', kid), keyPair('ES384', kid)];
  const { clientId } = await f.addSystem({ jwks: { keys: [first.jwk, second.jwk] } });
  for (const key of [first, second]) {
    assert.equal(
      (await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, key)) })).status,
      401,
    );
  }
});

test('a suspended system is refused whatever it signs', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] }, standing: 'suspended' });
  const { status, json } = await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, key)) });
  assert.equal(status, 401);
  assert.equal(json.error, 'invalid_client');
});

test('an assertion is used once, and who holds the key is told why the second time fails', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const signed = { ...GRANT, ...(await assertion(clientId, key)) };
  assert.equal((await f.send('/oauth/token', signed)).status, 200);
  const again = await f.send('/oauth/token', signed, { through: f.otherApp });
  assert.equal(again.status, 401);
  assert.match(again.json.error_description, /jti of its own/);
});

test('an assertion sent to two processes at once, many times, is used once', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  for (let round = 0; round < 5; round += 1) {
    const signed = { ...GRANT, ...(await assertion(clientId, key)) };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        f.send('/oauth/token', signed, {
          through: index % 2 ? f.app : f.otherApp,
          address: `198.51.100.${round * 12 + index}`,
        }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 401).length, 11);
  }
});

test('an assertion used where a token is introspected cannot be used again for a token', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const signed = await assertion(clientId, key);
  assert.equal((await f.send('/oauth/introspect', { token: 'x', ...signed })).status, 200);
  assert.equal((await f.send('/oauth/token', { ...GRANT, ...signed })).status, 401);
});

test('two systems may use the same jti', async () => {
  const key = keyPair();
  const jti = randomUUID();
  for (const { clientId } of [
    await f.addSystem({ jwks: { keys: [key.jwk] } }),
    await f.addSystem({ jwks: { keys: [key.jwk] } }),
  ]) {
    const signed = await assertion(clientId, key, { claims: { jti } });
    assert.equal((await f.send('/oauth/token', { ...GRANT, ...signed })).status, 200);
  }
});

test('an unknown system costs the same work as a wrong signature', async () => {
  const { clientId } = await f.addSystem({ jwks: { keys: [keyPair('ES384', 'k').jwk] } });
  const forged = keyPair('ES384', 'k');
  const verify = mock.method(crypto.subtle, 'verify');
  const query = mock.method(f.db.database.service, 'query');
  try {
    for (const who of [clientId, 'nobody']) {
      verify.mock.resetCalls();
      query.mock.resetCalls();
      const { status, json } = await f.send('/oauth/token', { ...GRANT, ...(await assertion(who, forged)) });
      assert.equal(status, 401);
      assert.equal(json.error_description, 'the system could not be authenticated');
      assert.equal(verify.mock.callCount(), 1, who);
      assert.equal(query.mock.callCount(), 2, who);
    }
  } finally {
    mock.restoreAll();
  }
});

for (const [what, change, error, status] of [
  [
    'another assertion type',
    { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' },
    'invalid_request',
    400,
  ],
  ['no assertion type', { client_assertion_type: '' }, 'invalid_request', 400],
  ['no JWT', { client_assertion: 'a.b.c' }, 'invalid_client', 401],
  ['nonsense', { client_assertion: 'nonsense' }, 'invalid_client', 401],
] as const) {
  test(`${what} as client assertion is ${error}`, async () => {
    const key = keyPair();
    const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
    const answer = await f.send('/oauth/token', { ...GRANT, ...(await assertion(clientId, key)), ...change });
    assert.equal(answer.status, status);
    assert.equal(answer.json.error, error);
  });
}

test('two ways of authenticating at once are invalid_request', async () => {
  const key = keyPair();
  const system = await f.addSystem();
  const { status, json } = await f.token(system, await assertion(system.clientId, key));
  assert.equal(status, 400);
  assert.equal(json.error, 'invalid_request');
});
