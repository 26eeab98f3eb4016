import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createHttp } from '../http.ts';
import { assertion, basic, keyPair, oauthFixture } from './fixture.ts';
import { oauthRoutes } from './routes.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
let app: ReturnType<typeof createHttp>;
let base: string | undefined;

before(async () => {
  f = await oauthFixture();
  app = createHttp({ trustProxy: false }, f.context.log);
  const baseUrl = () => base ?? assert.fail('the address is not known before the server listens');
  await app.register(oauthRoutes({ ...f.context, baseUrl }));
  base = await app.listen({ port: 0, host: '127.0.0.1' });
});
after(async () => {
  await app.close();
  await f.stop();
});

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${base}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) });

const jsonOf = async (response: Response) => (await response.json()) as Record<string, string>;

test('a client that knows only the address and the standards gets, checks and ends a token', async () => {
  const metadata = await jsonOf(await fetch(`${base}/.well-known/oauth-authorization-server`));
  assert.equal(metadata.issuer, base);
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const signed = () => assertion(clientId, key, { claims: { aud: metadata.token_endpoint } });
  const send = async (url: string | undefined, form: object) =>
    fetch(url!, { method: 'POST', body: new URLSearchParams({ ...form, ...(await signed()) }) });

  const granted = await send(metadata.token_endpoint, {
    grant_type: 'client_credentials',
    scope: 'system/Patient.r',
  });
  assert.equal(granted.status, 200);
  const { access_token: token, scope } = await jsonOf(granted);
  assert.equal(scope, 'system/Patient.r');
  assert.equal(
    (await jsonOf(await send(metadata.introspection_endpoint, { token }))).active as unknown,
    true,
  );
  assert.equal((await send(metadata.revocation_endpoint, { token })).status, 200);
  assert.deepEqual(await jsonOf(await send(metadata.introspection_endpoint, { token })), { active: false });
});

test('the assertion is for this address, whatever the Host header says', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwks: { keys: [key.jwk] } });
  const elsewhere = await assertion(clientId, key); // for another address than the one that it is sent to
  const form = { grant_type: 'client_credentials', scope: 'system/Patient.r', ...elsewhere };
  assert.equal((await post('/oauth/token', form, { host: 'service.example.org' })).status, 401);
});

const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'client_credentials',
    'system/Patient.rs',
    'nobody',
    'a.b.c',
    '\0',
    '%00',
    'é',
    '__proto__',
  ),
);
const names = fc.constantFrom(
  'grant_type',
  'scope',
  'resource',
  'token',
  'token_type_hint',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  '__proto__',
  'constructor',
);

test('nothing that anyone sends without credentials is a token, a crash or a word about the inside', async () => {
  const { clientId } = await f.addSystem();
  f.entries.length = 0;
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/oauth/token', '/oauth/introspect', '/oauth/revoke'),
      fc.dictionary(names, anything),
      fc.option(fc.tuple(fc.constantFrom(clientId, 'nobody', ''), fc.string())),
      fc.uint8Array({ maxLength: 20 }),
      async (path, form, credentials, noise) => {
        sent += 1;
        const body =
          noise.length > 15 ? Buffer.from(noise).toString('latin1') : new URLSearchParams(form).toString();
        const { status, json, headers } = await f.send(path, body, {
          address: `2001:db8::${randomBytes(2).toString('hex')}`,
          headers: credentials ? { authorization: basic(credentials[0], credentials[1].toWellFormed()) } : {},
        });
        assert.ok(status === 400 || status === 401, `${status} ${JSON.stringify(json)}`);
        assert.deepEqual(Object.keys(json), ['error', 'error_description']);
        assert.doesNotMatch(json.error_description, /[^\x20-\x21\x23-\x5b\x5d-\x7e]/); // RFC 6749 section 5.2
        assert.doesNotMatch(JSON.stringify(json), /Error|node_modules|\bat \/|oidc/);
        assert.equal(headers['cache-control'], 'no-store');
      },
    ),
    { numRuns: 400 },
  );
  assert.equal(f.entries.length, sent, 'each has its record');
});
