import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { assertion, GRANT, keyPair, oauthFixture } from './fixture.ts';
import type { KeySet } from './key-set.ts';
import { createRefreshKeys } from './refresh-keys.ts';

const URL = 'https://vendor.example.org/jwks';

let f: Awaited<ReturnType<typeof oauthFixture>>;
let published: object[] | undefined;
let fetches: string[];
let hold: Promise<void> | undefined;

before(async () => {
  f = await oauthFixture({
    fetchJwks: async (url) => {
      fetches.push(url);
      await hold;
      if (!published) throw new Error('the vendor is away');
      return { keySet: { keys: published } as KeySet, freshS: 600 };
    },
  });
});
beforeEach(() => {
  fetches = [];
  published = undefined;
  hold = undefined;
});
after(() => f.stop());

const ask = async (clientId: string, key: ReturnType<typeof keyPair>, through = f.app, more = {}) =>
  (
    await f.send(
      '/oauth/token',
      { ...GRANT, ...(await assertion(clientId, key, more)) },
      { through, address: address() },
    )
  ).status;

/** Another each time, so that no pair of client and address runs into its limit. */
let calls = 0;
function address() {
  calls += 1;
  return `198.51.100.${calls % 250}`;
}

/** As if the last fetch, or attempt at one, had been so long ago. */
const age = (clientId: string, interval: string) =>
  f.owner.query(
    `update fetched_jwks set fetched_at = fetched_at - $2::interval, failed_at = failed_at - $2::interval,
            fresh_until = fresh_until - $2::interval where client_id = $1`,
    [clientId, interval],
  );

test('keys are fetched once and serve every process', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, key), 200);
  assert.equal(await ask(clientId, key, f.otherApp), 200);
  assert.equal(await ask(clientId, key), 200);
  assert.deepEqual(fetches, [URL]);
});

test('a vendor that brings in a new key is known by it as soon as a minute has passed', async () => {
  const [old, fresh] = [keyPair(), keyPair()];
  published = [old.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, old), 200);
  published = [old.jwk, fresh.jwk];
  assert.equal(await ask(clientId, fresh), 401);
  await age(clientId, '61 seconds');
  assert.equal(await ask(clientId, fresh), 200);
  assert.equal(await ask(clientId, old), 200);
  assert.equal(fetches.length, 2);
});

test('a flood of made-up kids is one fetch a minute, over all processes', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => ask(clientId, keyPair(), index % 2 ? f.app : f.otherApp)),
  );
  assert.equal(fetches.length, 1);
  await age(clientId, '61 seconds');
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => ask(clientId, keyPair(), index % 2 ? f.app : f.otherApp)),
  );
  assert.equal(fetches.length, 2);
});

test('who asks while keys are being fetched waits for them', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  const { clientId } = await f.addSystem({ jwksUri: URL });
  const asking = [ask(clientId, key), ask(clientId, key), ask(clientId, key)];
  resolve();
  assert.deepEqual(await Promise.all(asking), [200, 200, 200]);
  assert.equal(fetches.length, 1);
});

test('who looked for keys before another process had fetched them is given those', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, key), 200);
  const late = createRefreshKeys({
    pool: f.owner,
    fetchJwks: () => assert.fail('nobody asks the vendor twice within the minute'),
    log: { warn: () => undefined },
  });
  assert.deepEqual(
    (await late(clientId, URL))?.keys.map(({ kid }) => kid),
    [key.jwk.kid],
  );
  assert.equal(await late(clientId, `${URL}/other`), undefined, 'keys of another address are not its keys');
  await age(clientId, '2 minutes');
  await f.owner.query('update fetched_jwks set failed_at = now() where client_id = $1', [clientId]);
  assert.equal(await late(clientId, URL), undefined, 'keys from before a failed fetch are not new');
});

test('a key that the vendor has withdrawn is refused once the copy is no longer fresh', async () => {
  const [old, fresh] = [keyPair(), keyPair()];
  published = [old.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, old), 200);
  published = [fresh.jwk];
  await age(clientId, '11 minutes');
  assert.equal(await ask(clientId, old), 401);
  assert.equal(await ask(clientId, fresh), 200);
});

test('while the vendor is away the last good copy serves, but not for longer than a day', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, key), 200);
  published = undefined;
  await age(clientId, '2 hours');
  assert.equal(await ask(clientId, key), 200);
  assert.equal(await ask(clientId, key), 200);
  assert.equal(fetches.length, 2, 'a failed fetch is not repeated within the minute');
  await age(clientId, '23 hours');
  assert.equal(await ask(clientId, key), 401);
});

test('a vendor that was away at first is asked again a minute later', async () => {
  const key = keyPair();
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, key), 401);
  published = [key.jwk];
  assert.equal(await ask(clientId, key), 401);
  await age(clientId, '61 seconds');
  assert.equal(await ask(clientId, key), 200);
});

test('two published keys under one kid are no key', async () => {
  const [first, second] = [keyPair('ES384', 'same'), keyPair('ES384', 'same')];
  published = [first.jwk, second.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, first), 401);
  assert.equal(await ask(clientId, second), 401);
});

test('the registered address may be repeated as jku; another is never asked', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { clientId } = await f.addSystem({ jwksUri: URL });
  assert.equal(await ask(clientId, key, f.app, { header: { jku: URL } }), 200);
  assert.equal(await ask(clientId, key, f.app, { header: { jku: `${URL}/other` } }), 401);
  assert.deepEqual(fetches, [URL]);
});

test('keys fetched from an address that was replaced meanwhile are not kept', async () => {
  const key = keyPair();
  published = [key.jwk];
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  const { clientId } = await f.addSystem({ jwksUri: URL });
  const asking = ask(clientId, key);
  while (fetches.length === 0) await new Promise(setImmediate);
  await f.owner.query('update system set jwks_uri = $2 where client_id = $1', [clientId, `${URL}/new`]);
  resolve();
  await asking;
  const { rows } = await f.owner.query('select jwks from fetched_jwks where client_id = $1', [clientId]);
  assert.equal(rows[0].jwks, null);
});
