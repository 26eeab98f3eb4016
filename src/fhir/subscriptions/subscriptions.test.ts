import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, type World } from '../../../test/support/world.ts';
import { canonicalOf, TOPICS } from '../../subscriptions/index.ts';

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/';

describe('Subscription', () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;

  before(async () => {
    world = await createWorld();
  });
  after(() => world.stop());
  beforeEach(async () => {
    here = await world.organisation();
    access = await world.access(here);
  });

  const channel = { type: 'rest-hook', endpoint: 'https://vendor.example.org/hook' };
  const valid = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Stop polling',
    criteria: canonicalOf('letter-read'),
    channel,
  };
  const create = (body: object = valid, token = access.token) =>
    world.fhir(here, token, '/Subscription', { method: 'POST', body });
  const count = async () =>
    (await world.db.database.owner.query('select count(*)::integer as n from subscription')).rows[0]
      .n as number;

  it('is read back as it was sent, but for the headers, which are never shown', async () => {
    const header = ['Authorization: Bearer their-secret'];
    const made = await create({ ...valid, channel: { ...channel, header } });
    assert.equal(made.status, 201, made.text);
    const { id, meta, ...rest } = made.json;
    assert.deepEqual(rest, valid);
    assert.equal(id.slice(0, 8), here.id.slice(0, 8));
    const read = await world.fhir(here, access.token, `/Subscription/${id}`);
    assert.deepEqual(read.json, made.json);
    assert.equal(read.headers.etag, `W/"${meta.versionId}"`);
    const listed = await world.fhir(here, access.token, '/Subscription');
    assert.deepEqual(
      listed.json.entry.map(({ resource }: { resource: object }) => resource),
      [made.json],
    );
    for (const { text } of [made, read, listed]) assert.doesNotMatch(text, /their-secret/);
    const { rows } = await world.db.database.owner.query('select s::text from subscription s where id = $1', [
      id,
    ]);
    assert.ok(!Buffer.from(rows[0].s).toString('latin1').includes('their-secret'), 'nor stored as it is');
  });

  it('is gone with its waiting notifications once it is deleted', async () => {
    const { id } = (await create()).json;
    const path = `/Subscription/${id}`;
    assert.equal((await world.fhir(here, access.token, path, { method: 'DELETE' })).status, 204);
    for (const address of [path, `${path}/$status`]) {
      assert.equal((await world.fhir(here, access.token, address)).code, 'not-found');
    }
    assert.equal((await world.fhir(here, access.token, path, { method: 'DELETE' })).code, 'not-found');
    const left = await world.db.database.owner.query('select from notification where subscription_id = $1', [
      id,
    ]);
    assert.equal(left.rowCount, 0);
  });

  it('is of the connection that made it alone: for all others there is none', async () => {
    const { id } = (await create()).json;
    const there = await world.organisation();
    await world.connection(there, access.system);
    const other = await world.access(here);
    for (const [organisation, token] of [
      [here, other.token],
      [there, access.token],
    ] as const) {
      for (const [path, method] of [
        [`/Subscription/${id}`, 'GET'],
        [`/Subscription/${id}`, 'DELETE'],
        [`/Subscription/${id}/$status`, 'GET'],
        [`/Subscription/${id}/$events`, 'GET'],
        [`/Subscription/${id}/$redeliver`, 'POST'],
      ] as const) {
        assert.equal((await world.fhir(organisation, token, path, { method })).code, 'not-found', path);
      }
      assert.equal((await world.fhir(organisation, token, '/Subscription')).json.total, 0);
    }
    assert.equal((await world.fhir(here, access.token, `/Subscription/${id}`)).status, 200);
  });

  it('needs its own permission for each thing, and a connection that stands', async () => {
    const { id } = (await create()).json;
    const token = await world.token(access.system, { scopes: ['system/Observation.cruds'] });
    for (const [path, method] of [
      ['/Subscription', 'GET'],
      [`/Subscription/${id}`, 'GET'],
      [`/Subscription/${id}`, 'DELETE'],
      [`/Subscription/${id}/$status`, 'GET'],
      [`/Subscription/${id}/$events`, 'GET'],
      [`/Subscription/${id}/$redeliver`, 'POST'],
    ] as const) {
      assert.equal((await world.fhir(here, token, path, { method })).code, 'scope-insufficient');
      assert.equal((await world.fhir(here, null, path, { method })).code, 'token-missing');
    }
    const before = await count();
    assert.equal((await create(valid, token)).code, 'scope-insufficient');
    await world.revoke(access.connection);
    assert.equal((await create()).code, 'connection-revoked');
    assert.equal((await world.fhir(here, access.token, `/Subscription/${id}`)).code, 'connection-revoked');
    assert.equal(await count(), before);
  });

  it('is refused, and nothing kept, when one thing about it is not served', async () => {
    const filter = (valueString: string) => ({
      _criteria: { extension: [{ url: `${BACKPORT}backport-filter-criteria`, valueString }] },
    });
    const content = (valueCode: string) => ({
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: `${BACKPORT}backport-payload-content`, valueCode }] },
    });
    const changed = { criteria: canonicalOf('record-changed') };
    const wrong: Record<string, object> = {
      'a status of its own choosing': { status: 'active' },
      'a criteria that is a search': { criteria: 'Observation?code=1' },
      'an end in the past': { end: '2001-01-01T00:00:00Z' },
      'another channel': { channel: { ...channel, type: 'email' } },
      XML: { channel: { ...channel, payload: 'application/fhir+xml' } },
      'content in the notifications': { channel: { ...channel, ...content('full-resource') } },
      'no endpoint': { channel: { type: 'rest-hook' } },
      'a filter where there is none': filter('Observation?'),
      'a filter that says more than a type': { ...changed, ...filter('Observation?code=1') },
      'a filter of no type': { ...changed, ...filter('Nonsense?') },
      'a header of ours': { channel: { ...channel, header: ['Host: internal'] } },
      'a header that would begin another': { channel: { ...channel, header: ['X-A: b\r\nX-C: d'] } },
      'a heartbeat': {
        channel: {
          ...channel,
          extension: [{ url: `${BACKPORT}backport-heartbeat-period`, valueUnsignedInt: 60 }],
        },
      },
      'a header that proxies believe': { channel: { ...channel, header: ['Forwarded: for=10.0.0.1'] } },
      'too many headers': {
        channel: { ...channel, header: Array.from({ length: 6 }, (_, n) => `X-${n}: 1`) },
      },
    };
    for (const endpoint of [
      'http://vendor.example.org/hook',
      'https://127.0.0.1/hook',
      'https://[::1]/hook',
      'https://169.254.169.254/latest',
      'https://10.0.0.1/',
      'https://[::ffff:10.0.0.1]/',
      'https://user:word@vendor.example.org/',
      'ftp://vendor.example.org/',
      'https://vendor.example.org:25/',
      'https://2130706433/',
      `${world.context.baseUrl()}/oauth/token`,
      'https://RECORDS.example.:8443/hook',
    ])
      wrong[endpoint] = { channel: { ...channel, endpoint } };
    const before = await count();
    for (const [what, part] of Object.entries(wrong)) {
      const answer = await create({ ...valid, ...part });
      assert.equal(answer.code, 'resource-invalid', `${what}: ${answer.text}`);
    }
    assert.equal(await count(), before);
  });

  it('takes the filter and the payload of the backport that are served', async () => {
    const made = await create({
      ...valid,
      criteria: canonicalOf('record-changed'),
      _criteria: { extension: [{ url: `${BACKPORT}backport-filter-criteria`, valueString: 'Observation?' }] },
      channel: {
        ...channel,
        payload: 'application/fhir+json',
        _payload: { extension: [{ url: `${BACKPORT}backport-payload-content`, valueCode: 'id-only' }] },
      },
    });
    assert.equal(made.status, 201, made.text);
  });

  it('is one under an Idempotency-Key, however often and concurrently it is sent', async () => {
    const headers = { 'idempotency-key': '"one"' };
    const send = (body: object = valid) =>
      world.fhir(here, access.token, '/Subscription', { method: 'POST', body, headers });
    const answers = await Promise.all([send(), send(), send()]);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
    assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
    assert.equal((await world.fhir(here, access.token, '/Subscription')).json.total, 1);
    const other = await send({ ...valid, reason: 'Another' });
    assert.equal(other.code, 'idempotency-key-reused');
  });

  it('is at most twenty for a connection, however concurrently they are made', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => create()));
    assert.equal(answers.filter(({ status }) => status === 201).length, 20);
    assert.equal((await world.fhir(here, access.token, '/Subscription')).json.total, 20);
  });

  it('has no history, and nothing at addresses that are none', async () => {
    const { id } = (await create()).json;
    for (const [path, method, code] of [
      ['/Subscription', 'PUT', 'method-not-allowed'],
      [`/Subscription/${id}/$status`, 'POST', 'method-not-allowed'],
      [`/Subscription/${id}/$redeliver`, 'GET', 'method-not-allowed'],
      [`/Subscription/${id}/$other`, 'GET', 'interaction-unknown'],
      [`/Subscription/${id}/__proto__`, 'GET', 'interaction-unknown'],
      [`/Subscription/${id}/_history`, 'GET', 'interaction-unknown'],
      ['/Subscription/_search', 'POST', 'interaction-unknown'],
      ['/Subscription?status=active', 'GET', 'search-unsupported'],
      [`/Subscription/${id}/$events?eventsSinceNumber=x`, 'GET', 'parameters-invalid'],
      [`/Subscription/${id}/$events?eventsSinceNumber=9223372036854775808`, 'GET', 'parameters-invalid'],
      [`/Subscription/${id}/$events?since=1`, 'GET', 'parameters-invalid'],
    ] as const) {
      const body = method === 'PUT' ? { ...valid, id } : undefined;
      assert.equal((await world.fhir(here, access.token, path, { method, body })).code, code, path);
    }
  });

  it('is whole or absent in a transaction, and never among the shared resources', async () => {
    const entry = { resource: valid, request: { method: 'POST', url: 'Subscription' } };
    const bundle = (entries: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry: entries });
    const before = await count();
    const undone = await world.fhir(here, access.token, '', {
      method: 'POST',
      body: bundle([entry, { request: { method: 'DELETE', url: `Observation/${here.id}` } }]),
    });
    assert.notEqual(undone.status, 200);
    assert.equal(await count(), before);
    const done = await world.fhir(here, access.token, '', { method: 'POST', body: bundle([entry]) });
    assert.equal(done.status, 200, done.text);
    assert.equal(await count(), before + 1);
    const shared = await world.db.database.owner.query(`select from resource where type = 'Subscription'`);
    assert.equal(shared.rowCount, 0);
  });

  it('is in the capability statement as it is served', async () => {
    const { json } = await world.fhir(here, null, '/metadata');
    const found = json.rest[0].resource.find(({ type }: { type: string }) => type === 'Subscription');
    assert.deepEqual(found.interaction.map(({ code }: { code: string }) => code).sort(), [
      'create',
      'delete',
      'read',
      'search-type',
      'update',
    ]);
    assert.deepEqual(
      found.operation.map(({ name }: { name: string }) => name),
      ['status', 'events', 'redeliver'],
    );
    assert.deepEqual(
      found.extension.map(({ valueCanonical }: { valueCanonical: string }) => valueCanonical),
      TOPICS.map(canonicalOf),
    );
  });
});
