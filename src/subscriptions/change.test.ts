import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, observationOf, type World } from '../../test/support/world.ts';
import { createSendDue } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { canonicalOf } from './topics.ts';

type Sent = { url: string; headers: Record<string, string>; body: string };
const ENDPOINT = 'https://vendor.example.org/hook';
const ELSEWHERE = 'https://new.vendor.example.org/hook';
const HEADER = ['Authorization: Bearer theirs'];

describe('a subscription that is changed', () => {
  let world: World;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;
  let patient: { id: string };
  let sendDue: () => Promise<number>;
  let sent: Sent[] = [];
  let answer: (one: Sent) => void | Promise<void> = () => {};

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);
  before(async () => {
    world = await createWorld();
    const post = async (url: string, headers: Record<string, string>, body: string) => {
      sent.push({ url, headers, body });
      await answer(sent.at(-1)!);
    };
    sendDue = createSendDue({ ...world.context, keys: createSigningKeys(world.context), post });
  });
  after(() => world.stop());
  beforeEach(async () => {
    await owner('delete from subscription');
    here = await world.organisation();
    access = await world.access(here);
    patient = await world.patient(here);
    answer = () => {};
    sent = [];
  });

  const subscription = (endpoint = ENDPOINT, header: string[] | null = HEADER, more: object = {}) => ({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'test',
    criteria: canonicalOf('record-changed'),
    channel: { type: 'rest-hook', endpoint, ...(header && { header }) },
    ...more,
  });
  async function active() {
    const body = subscription();
    const made = await world.fhir(here, access.token, '/Subscription', { method: 'POST', body });
    await sendDue();
    sent = [];
    return made.json.id as string;
  }
  const read = (id: string) => world.fhir(here, access.token, `/Subscription/${id}`);
  const change = (id: string, body: object, headers: Record<string, string> = {}, token = access.token) =>
    world.fhir(here, token, `/Subscription/${id}`, { method: 'PUT', body: { ...body, id }, headers });
  const happens = () =>
    world.fhir(here, access.token, '/Observation', { method: 'POST', body: observationOf(patient) });
  const kindOf = ({ body }: Sent) =>
    JSON.parse(body).entry[0].resource.parameter.find(({ name }: { name: string }) => name === 'type')
      .valueCode;

  it('goes on as it was when it is sent back as it was read', async () => {
    const id = await active();
    const before = (await read(id)).json;
    const changed = await change(id, { ...before, reason: 'Another reason' });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual({ ...changed.json, meta: null }, { ...before, reason: 'Another reason', meta: null });
    assert.equal(changed.headers.etag, `W/"${Number(before.meta.versionId) + 1}"`);
    await happens();
    assert.equal(await sendDue(), 1);
    assert.equal(sent[0]!.headers.authorization, 'Bearer theirs', 'headers are never shown, and stay');
  });

  it('sends nothing to another address before that has taken a handshake, nor what already waits', async () => {
    const id = await active();
    await happens();
    const changed = await change(id, subscription(ELSEWHERE, null, { status: 'active' }));
    assert.equal(changed.json.status, 'requested');
    answer = () => {
      throw Object.assign(new Error(), { code: 'HTTP 404' });
    };
    await sendDue();
    await owner('update notification set next_attempt_at = now()');
    await owner('update subscription set retry_at = now()');
    await sendDue();
    assert.deepEqual([...new Set(sent.map(kindOf))], ['handshake']);
    assert.ok(sent.every(({ url, headers }) => url === ELSEWHERE && headers.authorization === undefined));
    answer = () => {};
    await owner('update notification set next_attempt_at = now()');
    await owner('update subscription set retry_at = now()');
    await sendDue();
    assert.equal((await read(id)).json.status, 'active');
    assert.deepEqual(
      sent.slice(-2).map(kindOf),
      ['handshake', 'event-notification'],
      'what waited comes then',
    );
  });

  it('is not agreed to by an answer of the address that it had before', async () => {
    const id = await active();
    await happens();
    answer = async () => {
      answer = () => {
        throw Object.assign(new Error(), { code: 'HTTP 404' });
      };
      await change(id, subscription(ELSEWHERE));
    };
    assert.equal(await sendDue(), 1, 'the event arrived where it was on its way to');
    assert.equal((await read(id)).json.status, 'requested');
  });

  it('asks anew for new headers, and uses them from then on', async () => {
    const id = await active();
    assert.equal(
      (await change(id, subscription(ENDPOINT, ['Authorization: Bearer new']))).json.status,
      'requested',
    );
    await sendDue();
    assert.equal(sent[0]!.headers.authorization, 'Bearer new');
    assert.equal((await read(id)).json.status, 'active');
  });

  it('tells nothing while it is off, and goes on when it is asked for again', async () => {
    const id = await active();
    await happens();
    const off = await change(id, subscription(ENDPOINT, null, { status: 'off' }));
    assert.equal(off.json.status, 'off');
    await happens();
    await sendDue();
    assert.equal(sent.length, 0);
    assert.equal((await change(id, { ...off.json })).json.status, 'off', 'it does not wake by itself');
    await change(id, subscription(ENDPOINT, null));
    await sendDue();
    await happens();
    await sendDue();
    assert.deepEqual(sent.map(kindOf), ['handshake', 'event-notification']);
    assert.ok(sent.every(({ headers }) => headers.authorization === 'Bearer theirs'));
  });

  it('is changed by one of two who saw the same version', async () => {
    const id = await active();
    const tag = String((await read(id)).headers.etag);
    const answers = await Promise.all(
      ['one', 'two'].map((reason) =>
        change(id, subscription(ENDPOINT, null, { reason }), { 'if-match': tag }),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412]);
  });

  it('is held to what a new one is held to, and changes nothing when refused', async () => {
    const id = await active();
    const before = (await read(id)).json;
    for (const [body, code] of [
      [subscription('https://10.0.0.1/hook'), 'resource-invalid'],
      [subscription(ENDPOINT, HEADER, { criteria: 'Observation?' }), 'resource-invalid'],
      [subscription(ENDPOINT, HEADER, { status: 'entered-in-error' }), 'resource-invalid'],
      [subscription(ENDPOINT, HEADER, { end: '2020-01-01T00:00:00Z' }), 'resource-invalid'],
    ] as const) {
      assert.equal((await change(id, body)).code, code, JSON.stringify(body));
    }
    const other = await world.fhir(here, access.token, `/Subscription/${id}`, {
      method: 'PUT',
      body: { ...subscription(), id: patient.id },
    });
    assert.equal(other.code, 'id-mismatch');
    assert.deepEqual((await read(id)).json, before);
  });

  it('is of nobody else, and needs the permission to change', async () => {
    const id = await active();
    const another = await world.access(here);
    assert.equal((await change(id, subscription(), {}, another.token)).code, 'not-found');
    assert.equal((await change(patient.id, subscription())).code, 'not-found');
    const reads = await world.token(access.system, { scopes: ['system/Subscription.rs'] });
    assert.equal((await change(id, subscription(), {}, reads)).code, 'scope-insufficient');
    const path = `/Subscription/${id}/$redeliver`;
    for (const [token, code] of [
      [another.token, 'not-found'],
      [reads, 'scope-insufficient'],
    ] as const) {
      assert.equal((await world.fhir(here, token, path, { method: 'POST' })).code, code);
    }
    const { interaction, outcome } = world.audit.at(-1)!;
    assert.deepEqual([interaction, outcome], ['$redeliver', 'scope-insufficient']);
  });

  it('has what was given up sent once more, under its number', async () => {
    const id = await active();
    await happens();
    answer = () => {
      throw Object.assign(new Error(), { code: 'HTTP 500' });
    };
    await owner(`update notification set at = now() - interval '3 days'`);
    await sendDue();
    assert.equal((await read(id)).json.status, 'error');
    answer = () => {};
    assert.equal(await sendDue(), 0, 'given up');
    const path = `/Subscription/${id}/$redeliver`;
    const queued = await world.fhir(here, access.token, path, { method: 'POST' });
    assert.deepEqual(queued.json.parameter, [{ name: 'queued', valueUnsignedInt: 1 }]);
    assert.equal(await sendDue(), 1);
    const numbers = sent.map(({ body }) => /"event-number","valueString":"(\d+)"/.exec(body)?.[1]);
    assert.deepEqual(numbers, ['1', '1']);
    assert.equal((await read(id)).json.status, 'active');
    const none = await world.fhir(here, access.token, path, { method: 'POST' });
    assert.deepEqual(none.json.parameter, [{ name: 'queued', valueUnsignedInt: 0 }]);
    await change(id, subscription(ENDPOINT, null, { status: 'off' }));
    assert.equal((await world.fhir(here, access.token, path, { method: 'POST' })).code, 'resource-invalid');
  });
});
