import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, observationOf, type World } from '../../test/support/world.ts';
import { createSendDue } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { sweepNotifications } from './store.ts';
import { canonicalOf } from './topics.ts';

const LONG_MS = 4000;

describe('a subscription beside the work of others', () => {
  let world: World;
  let sendDue: () => Promise<number>;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;
  let patient: { id: string };
  let id: string;
  let failing = false;

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);

  before(async () => {
    world = await createWorld();
    const keys = createSigningKeys(world.context);
    const post = async () => {
      if (failing) throw Object.assign(new Error(), { code: 'HTTP 500' });
    };
    sendDue = createSendDue({ ...world.context, keys, post });
  });
  after(() => world.stop());
  beforeEach(async () => {
    await owner('delete from subscription');
    failing = false;
    here = await world.organisation();
    access = await world.access(here);
    patient = await world.patient(here);
    const made = await send('POST', '/Subscription', subscription());
    id = made.json.id;
    await sendDue();
  });

  const subscription = (more: object = {}) => ({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'test',
    criteria: canonicalOf('record-changed'),
    channel: { type: 'rest-hook', endpoint: 'https://vendor.example.org/hook' },
    ...more,
  });
  const send = (method: string, path: string, body?: object) =>
    world.fhir(here, access.token, path, { method, body });
  const put = (more: object) => send('PUT', `/Subscription/${id}`, subscription({ id, ...more }));
  const write = () => send('POST', '/Observation', observationOf(patient));
  const read = async () => (await send('GET', `/Subscription/${id}`)).json;
  const inTime = <Value>(promise: Promise<Value>) =>
    Promise.race([promise, new Promise<null>((done) => setTimeout(done, LONG_MS, null))]);

  /** Does `act` while a transaction that did `text` is still open. */
  async function during<Result>(text: string, act: () => Promise<Result>): Promise<Result> {
    const client = await world.db.database.owner.connect();
    try {
      await client.query('begin');
      await client.query(text, [id]);
      return await act();
    } finally {
      await client.query('commit');
      client.release();
    }
  }

  it('lets others write while it is being deleted: they neither wait nor are refused', async () => {
    const answer = await during('delete from subscription where id = $1', () => inTime(write()));
    assert.equal(answer?.status, 201, answer?.text ?? 'it waits');
  });

  it('lets others write while it is being changed, and is told of it', async () => {
    const change = 'update subscription set version = version + 1 where id = $1';
    const answer = await during(change, () => inTime(write()));
    assert.equal(answer?.status, 201, answer?.text ?? 'it waits');
    assert.equal(await sendDue(), 1);
  });

  it('keeps nobody who sends waiting while it is held: what is due goes out the next time', async () => {
    await write();
    const hold = 'select from subscription where id = $1 for update';
    assert.equal(await during(hold, () => inTime(sendDue())), 0);
    assert.equal(await sendDue(), 1);
  });

  it('loses no event and no write, however often it is changed, sent to and swept meanwhile', async () => {
    const changes = (async () => {
      for (let n = 0; n < 30; n++) {
        await owner('update subscription set updated_at = clock_timestamp() where id = $1', [id]);
        const changed = await put({ reason: `reason ${n}` });
        assert.equal(changed.status, 200, changed.text);
      }
    })();
    let sent = 0;
    const sending = (async () => {
      for (let n = 0; n < 20; n++) sent += await sendDue();
    })();
    const sweeping = (async () => {
      for (let n = 0; n < 20; n++) await sweepNotifications(world.db.database.service);
    })();
    for (let n = 0; n < 15; n++) {
      const answers = await Promise.all([write(), write()]);
      for (const { status, text } of answers) assert.equal(status, 201, text);
    }
    await Promise.all([changes, sending, sweeping]);
    assert.equal(sent + (await sendDue()), 30);
  });

  it('is made and ended while its organisation writes, and no write fails of it', async () => {
    const churning = (async () => {
      for (let n = 0; n < 25; n++) {
        const made = await send('POST', '/Subscription', subscription());
        await owner(`update subscription set status = 'active' where id = $1`, [made.json.id]);
        const gone = await send('DELETE', `/Subscription/${made.json.id}`);
        assert.equal(gone.status, 204, gone.text);
        await sendDue();
      }
    })();
    for (let n = 0; n < 25; n++) {
      const answers = await Promise.all([write(), write()]);
      for (const { status, text } of answers) assert.equal(status, 201, text);
    }
    await churning;
  });

  const longAgo = () => owner(`update notification set at = at - interval '61 hours'`);
  const elsewhere = { channel: { type: 'rest-hook', endpoint: 'https://new.example.org/hook' } };
  const due = async () => {
    await owner('update notification set next_attempt_at = now() where dead_at is null');
    await owner('update subscription set retry_at = null');
  };

  it('ends when its new endpoint takes no handshake, though it was swept before the last try', async () => {
    await put(elsewhere);
    failing = true;
    await sendDue();
    await longAgo();
    await sweepNotifications(world.db.database.service);
    await due();
    await sendDue();
    assert.equal((await read()).status, 'off');
    failing = false;
    assert.equal((await put(elsewhere)).json.status, 'requested');
    assert.equal(await sendDue(), 1);
    assert.equal((await read()).status, 'active');
  });

  it('that was paused for long before its endpoint took a handshake is sent a new one when it goes on', async () => {
    await put({ ...elsewhere, status: 'off' });
    await longAgo();
    await sweepNotifications(world.db.database.service);
    assert.equal((await put(elsewhere)).json.status, 'requested');
    failing = true;
    await sendDue();
    assert.equal((await read()).status, 'requested', 'its time counts from when it went on');
    failing = false;
    await due();
    assert.equal(await sendDue(), 1);
    assert.equal((await read()).status, 'active');
  });
});
