import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, observationOf, type World } from '../../../test/support/world.ts';
import { canonicalOf } from '../../subscriptions/index.ts';
import { createSendDue } from '../../subscriptions/send-due.ts';
import { createSigningKeys } from '../../subscriptions/signing-keys.ts';

const OLD = 'https://old.example.org/hook';
const NEW = 'https://new.example.org/hook';

describe('a Subscription that is changed', () => {
  let world: World;
  let sendDue: () => Promise<number>;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;
  let patient: { id: string };
  let id: string;
  let sent: { url: string; type: string; headers: Record<string, string> }[] = [];
  let refuse: (url: string) => boolean = () => false;

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);

  before(async () => {
    world = await createWorld();
    const keys = createSigningKeys(world.context);
    const post = async (url: string, headers: Record<string, string>, body: string) => {
      const { parameter } = JSON.parse(body).entry[0].resource;
      sent.push({
        url,
        headers,
        type: parameter.find((one: { name: string }) => one.name === 'type').valueCode,
      });
      if (refuse(url)) throw Object.assign(new Error(), { code: 'HTTP 500' });
    };
    sendDue = createSendDue({ ...world.context, keys, post });
  });
  after(() => world.stop());
  beforeEach(async () => {
    await owner('delete from subscription');
    refuse = () => false;
    here = await world.organisation();
    access = await world.access(here);
    patient = await world.patient(here);
    const made = await world.fhir(here, access.token, '/Subscription', {
      method: 'POST',
      body: subscription({ channel: { header: ['Authorization: Bearer theirs'] } }),
    });
    id = made.json.id;
    assert.equal(await sendDue(), 1);
    sent = [];
  });

  const subscription = ({ channel = {}, ...more }: { channel?: object; [name: string]: unknown } = {}) => ({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'test',
    criteria: canonicalOf('record-changed'),
    channel: { type: 'rest-hook', endpoint: OLD, payload: 'application/fhir+json', ...channel },
    ...more,
  });
  const put = (
    parts: Parameters<typeof subscription>[0] = {},
    headers: Record<string, string> = {},
    by = access.token,
  ) =>
    world.fhir(here, by, `/Subscription/${id}`, {
      method: 'PUT',
      body: { ...subscription(parts), id },
      headers,
    });
  const read = () => world.fhir(here, access.token, `/Subscription/${id}`);
  const happen = () =>
    world.fhir(here, access.token, '/Observation', { method: 'POST', body: observationOf(patient) });
  const again = async () => {
    await owner('update notification set next_attempt_at = now() where dead_at is null');
    await owner('update subscription set retry_at = now()');
  };
  const told = () => sent.map(({ url, type }) => `${url} ${type}`);

  it('is as it was sent from then on, with its next version, and has an audit record', async () => {
    const { json } = await read();
    const changed = await put({ reason: 'Another reason', end: '2099-01-01T00:00:00Z' });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(changed.json.reason, 'Another reason');
    assert.equal(Number(changed.json.meta.versionId), Number(json.meta.versionId) + 1);
    assert.equal(changed.json.status, 'active', 'the same endpoint needs no handshake again');
    assert.equal(changed.headers.etag, `W/"${changed.json.meta.versionId}"`);
    assert.deepEqual((await read()).json, changed.json);
    const entry = world.audit.findLast(({ interaction }) => interaction === 'update')!;
    assert.deepEqual([entry.resourceType, entry.resourceId, entry.outcome], ['Subscription', id, 'allowed']);
    await happen();
    await sendDue();
    assert.equal(sent[0]!.headers.authorization, 'Bearer theirs', 'a header that is never shown stays');
  });

  it('is taken as it was read: what the server says of it is no wish', async () => {
    const { json } = await read();
    const answer = await world.fhir(here, access.token, `/Subscription/${id}`, { method: 'PUT', body: json });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.status, 'active');
    assert.equal(await sendDue(), 0);
  });

  it('is not sent anything at a new endpoint before that has taken a handshake; what waited goes there then', async () => {
    await happen();
    const changed = await put({ channel: { endpoint: NEW } });
    assert.equal(changed.json.status, 'requested');
    await happen();
    refuse = (url) => url === NEW;
    assert.equal(await sendDue(), 0);
    assert.deepEqual(told(), [`${NEW} handshake`]);
    assert.equal(sent[0]!.headers.authorization, undefined, 'a secret is for whom it was given');
    assert.equal((await read()).json.status, 'requested');
    refuse = () => false;
    sent = [];
    await again();
    assert.equal(await sendDue(), 3);
    assert.equal(told()[0], `${NEW} handshake`);
    assert.deepEqual(told().slice(1), [`${NEW} event-notification`, `${NEW} event-notification`]);
    assert.equal((await read()).json.status, 'active');
  });

  it('asks for a handshake with new headers too', async () => {
    const changed = await put({ channel: { header: ['Authorization: Bearer other'] } });
    assert.equal(changed.json.status, 'requested');
    await happen();
    assert.equal(await sendDue(), 2);
    assert.deepEqual(told(), [`${OLD} handshake`, `${OLD} event-notification`]);
    assert.ok(sent.every(({ headers }) => headers.authorization === 'Bearer other'));
  });

  it('does not take what the earlier endpoint still answered for the new one’s handshake', async () => {
    await happen();
    const going = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const keys = createSigningKeys(world.context);
    const post = async (url: string) => {
      if (url === NEW) throw Object.assign(new Error(), { code: 'HTTP 404' });
      going.resolve();
      await answer.promise;
    };
    const sending = createSendDue({ ...world.context, keys, post })();
    await going.promise;
    await put({ channel: { endpoint: NEW } });
    answer.resolve();
    await sending;
    assert.equal((await read()).json.status, 'requested');
    await happen();
    await again();
    sent = [];
    refuse = () => true;
    await sendDue();
    assert.deepEqual(told(), [`${NEW} handshake`]);
  });

  it('is given up when the new endpoint never takes a handshake, with its events kept as dead letters', async () => {
    await happen();
    await put({ channel: { endpoint: NEW } });
    refuse = () => true;
    await owner(`update notification set at = at - interval '61 hours'`);
    await sendDue();
    assert.equal((await read()).json.status, 'off');
    const requested = await put({ channel: { endpoint: OLD } });
    assert.equal(requested.json.status, 'requested', 'it can be asked for again');
    refuse = () => false;
    await again();
    assert.equal(await sendDue(), 1);
    assert.equal((await read()).json.status, 'active');
    const events = await world.fhir(here, access.token, `/Subscription/${id}/$events`);
    assert.equal(events.json.entry.length, 2, events.text);
  });

  it('pauses with the status off and goes on with requested, and nothing of the time between is lost', async () => {
    await happen();
    const paused = await put({ status: 'off' });
    assert.equal(paused.json.status, 'off');
    await happen();
    assert.equal(await sendDue(), 0);
    assert.equal((await read()).json.status, 'off');
    const resumed = await put();
    assert.equal(resumed.json.status, 'active');
    assert.equal(await sendDue(), 2);
    assert.deepEqual(new Set(told()), new Set([`${OLD} event-notification`]));
  });

  it('waits for its handshake when its endpoint was changed while it was paused', async () => {
    await put({ status: 'off', channel: { endpoint: NEW } });
    assert.equal(await sendDue(), 0);
    await happen();
    assert.equal((await put({ channel: { endpoint: NEW } })).json.status, 'requested');
    assert.equal(await sendDue(), 2);
    assert.equal(told()[0], `${NEW} handshake`);
  });

  it('keeps of what is queued only what is still asked for', async () => {
    await happen();
    await put({
      _criteria: {
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria',
            valueString: 'Condition?',
          },
        ],
      },
    });
    assert.equal(await sendDue(), 0);
    await put();
    await happen();
    await put({ criteria: canonicalOf('letter-read') });
    await happen();
    assert.equal(await sendDue(), 0);
  });

  it('is changed at the version that If-Match names alone', async () => {
    const { etag } = (await read()).headers;
    assert.equal((await put({}, { 'if-match': String(etag) })).status, 200);
    const late = await put({ channel: { endpoint: NEW } }, { 'if-match': String(etag) });
    assert.equal(late.code, 'version-conflict');
    assert.equal((await read()).json.channel.endpoint, OLD);
  });

  it('is changed once of several who change the same version at once', async () => {
    const headers = { 'if-match': String((await read()).headers.etag) };
    const answers = await Promise.all([1, 2, 3, 4].map((n) => put({ reason: `reason ${n}` }, headers)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  });

  it('has the same answer under an Idempotency-Key, though it was changed meanwhile', async () => {
    const headers = { 'if-match': String((await read()).headers.etag), 'idempotency-key': 'k1' };
    const first = await put({ reason: 'Once' }, headers);
    const second = await put({ reason: 'Once' }, headers);
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.deepEqual(second.json, first.json);
  });

  it('gives no more than the token that changed it', async () => {
    const narrow = await world.token(access.system, { scopes: ['system/Subscription.cu'] });
    assert.equal((await put({}, {}, narrow)).status, 200);
    await happen();
    assert.equal(await sendDue(), 0);
  });

  it('is of the connection that made it alone, needs its permission, and is never made by PUT', async () => {
    const there = await world.organisation();
    await world.connection(there, access.system);
    const other = await world.access(here);
    const before = (await read()).text;
    const body = { ...subscription({ channel: { endpoint: NEW } }), id };
    const at = (organisation: { id: string }, token: string, path = `/Subscription/${id}`) =>
      world.fhir(organisation, token, path, { method: 'PUT', body });
    assert.equal((await at(here, other.token)).code, 'not-found');
    assert.equal((await at(there, access.token)).code, 'not-found');
    const reader = await world.token(access.system, { scopes: ['system/Subscription.crds'] });
    assert.equal((await at(here, reader)).code, 'scope-insufficient');
    assert.equal((await at(here, access.token, `/Subscription/${here.id}`)).code, 'id-mismatch');
    const unknown = await world.fhir(here, access.token, `/Subscription/${here.id}`, {
      method: 'PUT',
      body: { ...body, id: here.id },
    });
    assert.equal(unknown.code, 'not-found');
    await world.revoke(access.connection);
    assert.equal((await at(here, access.token)).code, 'connection-revoked');
    await owner(`update connection set status = 'active', ended_at = null where id = $1`, [
      access.connection.id,
    ]);
    assert.equal((await read()).text, before, 'nothing of this changed it');
  });

  it('is held to the same rules as a new one', async () => {
    for (const [what, parts] of Object.entries({
      'a private address': { channel: { endpoint: 'https://10.0.0.1/' } },
      'the service itself': { channel: { endpoint: `${world.context.baseUrl()}:8443/hook` } },
      'content in the notifications': { channel: { payload: 'application/fhir+xml' } },
      'a topic that is none': { criteria: 'Observation?' },
      'a header of ours': { channel: { header: ['Host: internal'] } },
    })) {
      assert.equal((await put(parts)).code, 'resource-invalid', what);
    }
    assert.equal((await put({ status: 'nonsense' })).code, 'resource-invalid');
    assert.equal((await read()).json.channel.endpoint, OLD);
  });
});
