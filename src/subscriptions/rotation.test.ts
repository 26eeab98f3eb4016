import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createLocalJWKSet, flattenedVerify, type JSONWebKeySet } from 'jose';
import { createWorld, type World } from '../../test/support/world.ts';
import type { Context } from '../context.ts';
import { signDetached } from './sign.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createTidy } from './tidy.ts';

describe('the keys that sign notifications', () => {
  let world: World;
  const owner = (text: string) => world.db.database.owner.query(text);
  before(async () => {
    world = await createWorld();
  });
  after(() => world.stop());
  beforeEach(() => owner('delete from signing_key'));

  /** As if so much time had passed. */
  const later = (interval: string) =>
    owner(`update signing_key set signs_from = signs_from - interval '${interval}',
                                  retired_at = retired_at - interval '${interval}'`);
  const kids = async (keys: ReturnType<typeof createSigningKeys>) =>
    ((await keys.jwks()) as JSONWebKeySet).keys.map(({ kid }) => kid);
  const about = {
    audience: 'https://v.example.org/',
    id: 'one',
    issuer: 'https://s.example.org',
    at: new Date(),
  };

  it('are published before they sign, and stay published when they no longer do', async () => {
    const [one, other] = [createSigningKeys(world.context), createSigningKeys(world.context)];
    const first = (await one.current()).kid;
    const keptByReceiver = createLocalJWKSet((await one.jwks()) as JSONWebKeySet);
    const { kid: second, outcome } = await one.rotate({});
    assert.equal(outcome, 'added');
    assert.equal((await one.current()).kid, first, 'receivers who fetched the set just before know it');
    assert.deepEqual(await kids(other), [second, first]);
    await later('14 minutes');
    assert.equal((await other.current()).kid, first);
    await later('2 minutes');
    for (const keys of [one, other]) assert.equal((await keys.current()).kid, second, 'on every process');

    const body = '{"resourceType":"Bundle"}';
    const [header, , signature] = (await signDetached(await other.current(), body, about)).split('.');
    const jws = { protected: header!, payload: body, signature: signature! };
    const detached = { ...jws, payload: Buffer.from(body).toString('base64url') };
    await flattenedVerify(detached, createLocalJWKSet((await one.jwks()) as JSONWebKeySet));
    await assert.rejects(flattenedVerify(detached, keptByReceiver), 'a set kept for longer than it may be');
    assert.deepEqual(await kids(one), [second, first]);
  });

  it('give way one at a time, however many ask at once', async () => {
    const all = Array.from({ length: 6 }, () => createSigningKeys(world.context));
    await Promise.all(all.map((keys) => keys.current()));
    assert.equal((await kids(all[0]!)).length, 1, 'the first is one');
    const outcomes = (await Promise.all(all.map((keys) => keys.rotate({})))).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.sort(), ['added', ...Array(5).fill('under-way')]);
    assert.equal((await kids(all[0]!)).length, 2);
  });

  it('give way by age, which is recorded, and not before', async () => {
    const keys = createSigningKeys(world.context);
    await keys.current();
    const config = { notificationKeyDays: 90 } as Context['config'];
    const log = { info() {} } as unknown as Context['log'];
    const tidy = createTidy({ ...world.context, config, log, keys });
    const before = world.audit.length;
    await later('89 days');
    await tidy();
    assert.equal((await kids(keys)).length, 1);
    await later('2 days');
    await tidy();
    await tidy();
    const [next] = await kids(keys);
    assert.equal((await kids(keys)).length, 2);
    const recorded = world.audit.slice(before).map((entry) => [entry.interaction, entry.resourceId]);
    assert.deepEqual(recorded, [['rotate-notification-keys', next]]);
  });

  it('go thirty days after the next one began to sign, private part and all', async () => {
    const keys = createSigningKeys(world.context);
    await keys.current();
    const { kid } = await keys.rotate({});
    const config = { notificationKeyDays: 90 } as Context['config'];
    const log = { info() {} } as unknown as Context['log'];
    const tidy = createTidy({ ...world.context, config, log, keys });
    await later('29 days');
    await tidy();
    assert.equal((await kids(keys)).length, 2);
    await later('2 days');
    await tidy();
    assert.deepEqual(await kids(keys), [kid]);
    assert.equal((await owner('select from signing_key')).rowCount, 1);
  });

  it('are withdrawn at once when somebody may have them', async () => {
    const keys = createSigningKeys(world.context);
    await keys.current();
    await keys.rotate({});
    const { kid, outcome } = await keys.rotate({ drop: true });
    assert.equal(outcome, 'added');
    assert.deepEqual(await kids(keys), [kid]);
    assert.equal((await createSigningKeys(world.context).current()).kid, kid);
  });

  it('can be added by the service in this way alone', async () => {
    await assert.rejects(
      world.db.database.service.query(
        `insert into signing_key (kid, sealed, public_jwk) values ('x', '', '{}')`,
      ),
      /permission denied/,
    );
    await assert.rejects(world.db.database.service.query('delete from signing_key'), /permission denied/);
  });
});
