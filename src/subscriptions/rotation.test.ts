import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import Fastify from 'fastify';
import { createLocalJWKSet, flattenedVerify, type JSONWebKeySet } from 'jose';
import { createWorld, type World } from '../../test/support/world.ts';
import { rotateByAge } from './rotate-by-age.ts';
import { pushRoutes } from './routes.ts';
import { signDetached } from './sign.ts';
import { createSigningKeys } from './signing-keys.ts';

describe('the keys that sign notifications', () => {
  let world: World;
  let keys: ReturnType<typeof createSigningKeys>;

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);
  /** As if so much time had gone by. */
  const later = (time: string) =>
    owner(
      `update signing_key set created_at = created_at - $1::interval, retired_at = retired_at - $1::interval`,
      [time],
    );
  const shown = async () => ((await keys.jwks()) as JSONWebKeySet).keys.map(({ kid }) => kid);
  const signed = async (body: string) =>
    signDetached(await keys.current(), body, { audience: 'x', id: '1', issuer: 'y', at: new Date() });
  const verified = (set: JSONWebKeySet, body: string, jws: string) => {
    const [header = '', , signature = ''] = jws.split('.');
    const payload = Buffer.from(body).toString('base64url');
    return flattenedVerify({ protected: header, payload, signature }, createLocalJWKSet(set));
  };

  before(async () => {
    world = await createWorld();
  });
  after(() => world.stop());
  beforeEach(async () => {
    await owner('delete from signing_key');
    keys = createSigningKeys(world.context);
  });

  it('are shown a day before they sign, and long after they last did', async () => {
    const first = (await keys.current()).kid;
    const earlier = (await keys.jwks()) as JSONWebKeySet;
    const second = await keys.rotate();
    assert.deepEqual(await shown(), [second, first]);
    await later('23 hours');
    assert.equal((await keys.current()).kid, first, 'whoever has kept the set for a day can check it');
    await verified(earlier, '{}', await signed('{}'));
    await later('2 hours');
    assert.equal((await keys.current()).kid, second);
    await later('34 days');
    assert.deepEqual(await shown(), [second, first], 'what it signed last may still be looked at');
    await later('2 days');
    assert.deepEqual(await shown(), [second]);
  });

  it('follow each other in order, however soon after each other they are made', async () => {
    const made = [(await keys.current()).kid, await keys.rotate(), await keys.rotate()];
    for (const kid of made) {
      assert.equal((await keys.current()).kid, kid);
      await later('25 hours');
    }
    assert.equal((await keys.current()).kid, made[2]);
  });

  it('are changed by age once, by one of however many processes look', async () => {
    await keys.current();
    await later('89 days');
    assert.equal(await keys.rotate({ olderThanDays: 90 }), undefined);
    await later('2 days');
    const many = Array.from({ length: 5 }, () =>
      createSigningKeys(world.context).rotate({ olderThanDays: 90 }),
    );
    const made = (await Promise.all(many)).filter((kid) => kid !== undefined);
    assert.equal(made.length, 1);
    assert.equal((await shown()).length, 2);
  });

  it('leave an audit record when they change by age, and lose their private half once they sign no more', async () => {
    await keys.current();
    await later('91 days');
    const context = { ...world.context, config: { notificationKeyDays: 90 } as World['context']['config'] };
    await rotateByAge(context, keys);
    const entry = world.audit.at(-1)!;
    assert.deepEqual(
      [entry.kind, entry.interaction, entry.outcome],
      ['operator', 'rotate-notification-keys', 'allowed'],
    );
    await rotateByAge(context, keys);
    assert.equal(world.audit.at(-1), entry, 'once');
    await later('26 hours');
    await rotateByAge(context, keys);
    const { rows } = await owner('select length(sealed) > 0 as private from signing_key order by created_at');
    assert.deepEqual(rows, [{ private: false }, { private: true }]);
    await later('36 days');
    await rotateByAge(context, keys);
    assert.equal((await owner('select from signing_key')).rowCount, 1);
  });

  it('that others may know are withdrawn at once, and the new one signs at once', async () => {
    await keys.current();
    await keys.rotate();
    const kid = await keys.rotate({ withdraw: true });
    assert.deepEqual(await shown(), [kid]);
    assert.equal((await keys.current()).kid, kid);
    await verified((await keys.jwks()) as JSONWebKeySet, '{}', await signed('{}'));
    const both = await Promise.all([keys.rotate({ withdraw: true }), keys.rotate({ withdraw: true })]);
    assert.equal((await shown()).length, 1, String(both));
  });

  it('may be kept by whoever fetches them for five minutes, and asked for again in few bytes', async () => {
    const app = Fastify();
    await app.register(pushRoutes(world.context, { post: async () => {} }));
    const { headers } = await app.inject('/.well-known/jwks.json');
    assert.equal(headers['cache-control'], 'public, max-age=300');
    const ask = () =>
      app.inject({ url: '/.well-known/jwks.json', headers: { 'if-none-match': String(headers.etag) } });
    const same = await ask();
    assert.deepEqual([same.statusCode, same.body], [304, '']);
    await keys.rotate();
    assert.equal((await ask()).statusCode, 200);
    await app.close();
  });
});
