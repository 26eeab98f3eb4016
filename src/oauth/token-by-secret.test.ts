import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { after, before, mock, test } from 'node:test';
import { newSecret } from './client-secret.ts';
import { assertion, basic, GRANT, keyPair, oauthFixture } from './fixture.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

const NOT_AUTHENTICATED = {
  error: 'invalid_client',
  error_description: 'the system could not be authenticated',
};

test('a live system with its secret is given a token for what it asked and is registered for', async () => {
  const system = await f.addSystem({ scopes: ['system/Patient.rs', 'system/Observation.cruds'] });
  const { status, json, headers } = await f.token(system, {
    scope: 'system/Patient.cruds system/Observation.rs openid',
  });
  assert.equal(status, 200, JSON.stringify(json));
  assert.match(json.access_token, /^[\w-]{43}$/);
  assert.deepEqual(
    { ...json, access_token: '' },
    {
      access_token: '',
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'system/Observation.rs system/Patient.rs',
    },
  );
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers.pragma, 'no-cache');
  assert.match(String(headers['content-type']), /^application\/json/);
  assert.equal(headers['set-cookie'], undefined);
});

test('a token is kept only as a hash, with what it allows and until when', async () => {
  const system = await f.addSystem();
  const { json } = await f.token(system);
  const { rows } = await f.owner.query(
    `select *, extract(epoch from expires_at - issued_at)::integer as seconds from access_token where client_id = $1`,
    [system.clientId],
  );
  assert.equal(rows.length, 1);
  assert.deepEqual(rows[0].token_hash, crypto.createHash('sha256').update(json.access_token).digest());
  assert.deepEqual(rows[0].scopes, ['system/Patient.rs']);
  assert.deepEqual(rows[0].permissions, ['Patient.r', 'Patient.s']);
  assert.equal(rows[0].seconds, 300);
  assert.equal(rows[0].organisation_id, null);
});

test('client id and secret may hold any character when they are form-urlencoded', async () => {
  const system = await f.addSystem();
  const secret = 'p%20+ :/&=é'.replace('é', '~');
  await f.addSecret(system.clientId, secret);
  assert.equal((await f.token({ ...system, secret })).status, 200);
  const raw = `Basic ${Buffer.from(`${system.clientId}:${secret}`).toString('base64')}`;
  const refused = await f.send('/oauth/token', GRANT, { headers: { authorization: raw } });
  assert.equal(refused.status, 401);
  assert.equal(refused.json.error, 'invalid_client');
});

test('while a secret is changed over, both the old and the new one work', async () => {
  const system = await f.addSystem();
  const fresh = newSecret();
  await f.addSecret(system.clientId, fresh);
  assert.equal((await f.token(system)).status, 200);
  assert.equal((await f.token({ ...system, secret: fresh })).status, 200);
  await f.owner.query(
    `update system_secret set ended_at = now() where client_id = $1
       and created_at = (select min(created_at) from system_secret where client_id = $1)`,
    [system.clientId],
  );
  assert.deepEqual((await f.token(system)).json, NOT_AUTHENTICATED);
  assert.equal((await f.token({ ...system, secret: fresh })).status, 200);
});

test('an expired secret is refused', async () => {
  const system = await f.addSystem();
  const expired = newSecret();
  await f.addSecret(system.clientId, expired, new Date(Date.now() - 1000));
  assert.deepEqual((await f.token({ ...system, secret: expired })).json, NOT_AUTHENTICATED);
});

for (const standing of ['draft', 'in-review', 'suspended']) {
  test(`a system that is ${standing} is refused like one that does not exist`, async () => {
    const system = await f.addSystem({ standing });
    const { status, json, headers } = await f.token(system);
    assert.equal(status, 401);
    assert.deepEqual(json, NOT_AUTHENTICATED);
    assert.match(String(headers['www-authenticate']), /^Basic realm="/);
  });
}

test('unknown client and wrong secret get the same answer to the last byte', async () => {
  const system = await f.addSystem();
  const keyed = await f.addSystem({ jwks: { keys: [keyPair().jwk] } });
  const suspended = await f.addSystem({ standing: 'suspended' });
  const answers = await Promise.all(
    [
      { ...system, secret: newSecret() },
      { clientId: 'nobody', secret: system.secret },
      { clientId: keyed.clientId, secret: newSecret() },
      suspended,
    ].map((credentials) => f.token(credentials)),
  );
  const seen = answers.map(({ status, text, headers }) => {
    const { date, 'x-request-id': id, ...rest } = headers;
    return JSON.stringify({ status, text, rest });
  });
  assert.equal(new Set(seen).size, 1, seen.join('\n'));
  assert.equal(answers[0]!.status, 401);
});

test('unknown client and wrong secret cost the same work', async () => {
  const system = await f.addSystem();
  const keyed = await f.addSystem({ jwks: { keys: [keyPair().jwk] } });
  await f.token(system); // nothing is prepared for the first time below
  const query = mock.method(f.db.database.service, 'query');
  const hmac = mock.method(crypto, 'createHmac');
  const compare = mock.method(crypto, 'timingSafeEqual');
  syncBuiltinESMExports();
  try {
    const work: string[] = [];
    for (const credentials of [
      { clientId: system.clientId, secret: newSecret() },
      { clientId: 'nobody', secret: newSecret() },
      { clientId: keyed.clientId, secret: newSecret() },
    ]) {
      for (const counter of [query, hmac, compare]) counter.mock.resetCalls();
      await f.token(credentials, {}, { address: `198.51.100.${work.length}` });
      const statements = query.mock.calls.map(
        ({ arguments: [statement] }) => (statement as unknown as { name: string }).name,
      );
      work.push(JSON.stringify([statements, hmac.mock.callCount(), compare.mock.callCount()]));
    }
    assert.equal(new Set(work).size, 1, work.join('\n'));
    assert.match(work[0]!, /oauth-find-caller.*oauth-attempt-failed/);
  } finally {
    mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test('a system with a secret may not use an assertion, one with keys no secret', async () => {
  const key = keyPair();
  const bySecret = await f.addSystem();
  const byKey = await f.addSystem({ jwks: { keys: [key.jwk] } });
  await f.addSecret(byKey.clientId, byKey.secret); // even if one were there
  assert.deepEqual((await f.token(byKey)).json, NOT_AUTHENTICATED);
  const signed = await assertion(bySecret.clientId, key);
  assert.deepEqual((await f.send('/oauth/token', { ...GRANT, ...signed })).json, NOT_AUTHENTICATED);
});

test('a secret in the body is refused, right or wrong', async () => {
  const { clientId, secret } = await f.addSystem();
  for (const client_secret of [secret, newSecret()]) {
    const { status, json } = await f.send('/oauth/token', { ...GRANT, client_id: clientId, client_secret });
    assert.equal(status, 401);
    assert.equal(json.error, 'invalid_client');
  }
});

for (const [what, authorization] of [
  ['no Authorization header', undefined],
  ['a bearer token', 'Bearer abc'],
  ['Basic with nothing', 'Basic'],
  ['Basic that is not base64', 'Basic %%%%'],
  ['Basic without a colon', `Basic ${Buffer.from('client').toString('base64')}`],
  ['Basic without a secret', `Basic ${Buffer.from('client:').toString('base64')}`],
  ['Basic without a client id', `Basic ${Buffer.from(':secret').toString('base64')}`],
  ['Basic with a control character', `Basic ${Buffer.from('cli%00ent:secret').toString('base64')}`],
  ['Basic with a broken escape', `Basic ${Buffer.from('client:%zz').toString('base64')}`],
] as const) {
  test(`${what} is invalid_client with a challenge`, async () => {
    const { status, json, headers } = await f.send('/oauth/token', GRANT, {
      headers: authorization === undefined ? {} : { authorization },
    });
    assert.equal(status, 401);
    assert.equal(json.error, 'invalid_client');
    assert.match(String(headers['www-authenticate']), /^Basic realm="https:\/\/service\.example\.org"/);
  });
}

test('a client_id beside the credentials must be the same', async () => {
  const system = await f.addSystem();
  assert.equal((await f.token(system, { client_id: system.clientId })).status, 200);
  const { status, json } = await f.token(system, { client_id: 'another' });
  assert.equal(status, 400);
  assert.equal(json.error, 'invalid_request');
});

for (const [grant, error] of [
  ['password', 'unsupported_grant_type'],
  ['authorization_code', 'unsupported_grant_type'],
  ['refresh_token', 'unsupported_grant_type'],
  ['implicit', 'unsupported_grant_type'],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'unsupported_grant_type'],
  ['constructor', 'unsupported_grant_type'],
  ['', 'invalid_request'],
] as const) {
  test(`grant type "${grant}" is ${error}`, async () => {
    const { status, json } = await f.token(await f.addSystem(), { grant_type: grant });
    assert.equal(status, 400);
    assert.equal(json.error, error);
  });
}

test('the grant type is looked at only after the system is authenticated', async () => {
  const { clientId } = await f.addSystem();
  const { json } = await f.token({ clientId, secret: newSecret() }, { grant_type: 'password' });
  assert.equal(json.error, 'invalid_client');
});

for (const [what, body] of [
  ['a parameter twice', 'grant_type=client_credentials&scope=system/Patient.rs&scope=system/*.rs'],
  [
    'a parameter twice with the same value',
    'grant_type=client_credentials&grant_type=client_credentials&scope=x',
  ],
  ['an unknown parameter twice', 'grant_type=client_credentials&scope=system/Patient.rs&x=1&x=2'],
]) {
  test(`${what} is invalid_request`, async () => {
    const { clientId, secret } = await f.addSystem();
    const { status, json } = await f.send('/oauth/token', body!, {
      headers: { authorization: basic(clientId, secret) },
    });
    assert.equal(status, 400);
    assert.equal(json.error, 'invalid_request');
  });
}

for (const contentType of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'nonsense']) {
  test(`a body of type ${contentType} is invalid_request`, async () => {
    const { clientId, secret } = await f.addSystem();
    const headers = { authorization: basic(clientId, secret), 'content-type': contentType };
    const { status, json } = await f.send('/oauth/token', JSON.stringify(GRANT), { headers });
    assert.equal(status, 400);
    assert.equal(json.error, 'invalid_request');
  });
}

test('a charset beside the content type is no matter', async () => {
  const system = await f.addSystem();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
  assert.equal((await f.token(system, {}, { headers })).status, 200);
});

test('a body larger than any honest request is refused unread', async () => {
  const { status, json, headers } = await f.send('/oauth/token', `x=${'y'.repeat(20_000)}`);
  assert.equal(status, 413);
  assert.equal(json.error, 'invalid_request');
  assert.equal(headers['cache-control'], 'no-store');
});

for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
  test(`${method} on any of the endpoints is 405 and says that POST is allowed`, async () => {
    for (const url of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
      const response = await f.app.inject({ method, url });
      assert.equal(response.statusCode, 405, url);
      assert.equal(response.headers.allow, 'POST');
    }
  });
}

test('credentials in the address are not looked at', async () => {
  const { clientId, secret } = await f.addSystem();
  const query = new URLSearchParams({ ...GRANT, client_id: clientId, client_secret: secret });
  const { status, json } = await f.send(`/oauth/token?${query}`, GRANT);
  assert.equal(status, 401);
  assert.equal(json.error, 'invalid_client');
});

test('nothing else of the authorization server can be reached', async () => {
  for (const url of [
    '/auth',
    '/me',
    '/jwks',
    '/reg',
    '/request',
    '/session/end',
    '/device',
    '/.well-known/openid-configuration',
  ]) {
    for (const method of ['GET', 'POST'] as const) {
      assert.equal((await f.app.inject({ method, url })).statusCode, 404, `${method} ${url}`);
    }
  }
});
