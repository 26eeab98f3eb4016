import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Fastify from 'fastify';
import { createWorld, type World } from '../../test/support/world.ts';
import { pushRoutes } from './routes.ts';
import { canonicalOf } from './topics.ts';

describe('the service that pushes', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.stop());

  it('shows its public keys to anybody, the same ones on every process', async () => {
    const sets = [];
    for (const app of [Fastify(), Fastify()]) {
      await app.register(pushRoutes(world.context, { post: async () => {} }));
      const answer = await app.inject('/.well-known/jwks.json');
      assert.equal(answer.statusCode, 200);
      assert.match(String(answer.headers['content-type']), /^application\/jwk-set\+json/);
      sets.push(answer.json());
      await app.close();
    }
    assert.deepEqual(sets[0], sets[1]);
    assert.deepEqual(Object.keys(sets[0].keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('sends by itself while it runs, and ends when what is on its way has arrived', async () => {
    const here = await world.organisation();
    const { token } = await world.access(here);
    const sending = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const app = Fastify();
    const post = async () => {
      sending.resolve();
      await arrived.promise;
    };
    await app.register(pushRoutes(world.context, { post }));
    await app.ready();
    const body = {
      resourceType: 'Subscription',
      status: 'requested',
      reason: 'test',
      criteria: canonicalOf('record-changed'),
      channel: { type: 'rest-hook', endpoint: 'https://vendor.example.org/hook' },
    };
    const made = await world.fhir(here, token, '/Subscription', { method: 'POST', body });
    await sending.promise;
    const closed = app.close();
    arrived.resolve();
    await closed;
    const read = await world.fhir(here, token, `/Subscription/${made.json.id}`);
    assert.equal(read.json.status, 'active');
  });
});
