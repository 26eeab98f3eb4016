import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { oauthFixture } from './fixture.ts';

let f: Awaited<ReturnType<typeof oauthFixture>>;
before(async () => {
  f = await oauthFixture();
});
after(() => f.stop());

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
});
