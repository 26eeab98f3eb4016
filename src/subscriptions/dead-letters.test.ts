import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createWorld, labelBits, observationOf, type World } from '../../test/support/world.ts';
import { createSendDue } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { sweepNotifications } from './store.ts';
import { canonicalOf } from './topics.ts';

type Part = { name: string; [value: string]: unknown };

describe('dead letters', () => {
  let world: World;
  let sendDue: () => Promise<number>;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;
  let patient: { id: string };
  let id: string;
  let sent: string[] = [];
  let failing = false;

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);

  before(async () => {
    world = await createWorld();
    const keys = createSigningKeys(world.context);
    const post = async (_url: string, _headers: object, body: string) => {
      if (failing) throw Object.assign(new Error(), { code: 'HTTP 500' });
      sent.push(body);
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
    id = await subscribed();
    sent = [];
  });

  async function subscribed(by = access): Promise<string> {
    const made = await world.fhir(here, by.token, '/Subscription', {
      method: 'POST',
      body: {
        resourceType: 'Subscription',
        status: 'requested',
        reason: 'test',
        criteria: canonicalOf('record-changed'),
        channel: { type: 'rest-hook', endpoint: 'https://vendor.example.org/hook' },
      },
    });
    assert.equal(await sendDue(), 1, made.text);
    return made.json.id;
  }
  async function happen(): Promise<string> {
    const body = observationOf(patient);
    return (await world.fhir(here, access.token, '/Observation', { method: 'POST', body })).json.id;
  }
  const again = async () => {
    await owner('update notification set next_attempt_at = now() where dead_at is null');
    await owner('update subscription set retry_at = now()');
  };
  /** The receiver fails for so long that what waits is given up. */
  async function giveUp() {
    failing = true;
    await owner(
      `update notification set at = at - interval '61 hours', resent_at = resent_at - interval '61 hours'`,
    );
    await again();
    await sendDue();
    failing = false;
  }
  const get = (path: string, by = access) => world.fhir(here, by.token, `/Subscription/${id}/${path}`);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
  const eventsOf = (answer: { json: any }): Record<string, any>[] =>
    answer.json.entry[0].resource.parameter
      .filter(({ name }: Part) => name === 'notification-event')
      .map(({ part }: { part: Part[] }) =>
        Object.fromEntries(part.map((one) => [one.name, Object.values(one)[1]])),
      );
  const redeliver = (body?: object, headers: Record<string, string> = {}) =>
    world.fhir(here, access.token, `/Subscription/${id}/$redeliver`, { method: 'POST', body, headers });
  const numbers = (from?: string, to?: string) => ({
    resourceType: 'Parameters',
    parameter: [
      ...(from ? [{ name: 'eventsSinceNumber', valueString: from }] : []),
      ...(to ? [{ name: 'eventsUntilNumber', valueString: to }] : []),
    ],
  });

  it('say what it was, when, how often and when last it was tried, and what was wrong', async () => {
    const observation = await happen();
    await giveUp();
    const [event] = eventsOf(await get('$status'));
    assert.equal(event!['event-number'], '1');
    assert.deepEqual(event!.focus, { reference: `Observation/${observation}` });
    assert.equal(event!.attempts, 1);
    assert.equal(event!.error, 'HTTP 500');
    for (const when of ['timestamp', 'last-attempt', 'given-up']) assert.ok(Date.parse(event![when]), when);
  });

  it('are told by $events as they would have been sent, those of the numbers asked for', async () => {
    const observations = [await happen(), await happen(), await happen()];
    await giveUp();
    const all = await get('$events');
    assert.equal(all.json.type, 'history');
    const type = all.json.entry[0].resource.parameter.find(({ name }: Part) => name === 'type');
    assert.equal(type.valueCode, 'query-event');
    assert.deepEqual(
      eventsOf(all).map((event) => event['event-number']),
      ['1', '2', '3'],
    );
    const focuses = all.json.entry
      .slice(1)
      .map(({ fullUrl }: { fullUrl: string }) => fullUrl.split('/').at(-1));
    assert.deepEqual(focuses.sort(), [...observations].sort());
    assert.doesNotMatch(all.text, /beats|valueQuantity/);
    const some = await get('$events?eventsSinceNumber=2&eventsUntilNumber=2');
    assert.deepEqual(
      eventsOf(some).map((event) => event['event-number']),
      ['2'],
    );
    const entry = world.audit.at(-1)!;
    assert.deepEqual([entry.interaction, entry.patients, entry.count], ['$events', [patient.id], 1]);
  });

  it('are sent again when their vendor asks, those of the numbers named, at once', async () => {
    await happen();
    await happen();
    await giveUp();
    const answer = await redeliver(numbers('2', '2'));
    assert.deepEqual(answer.json.parameter, [{ name: 'redelivered', valueUnsignedInt: 1 }]);
    assert.equal(await sendDue(), 1);
    const { parameter } = JSON.parse(sent[0]!).entry[0].resource;
    assert.match(JSON.stringify(parameter), /"event-number","valueString":"2"/);
    assert.equal((await world.fhir(here, access.token, `/Subscription/${id}`)).json.status, 'active');
    assert.equal(eventsOf(await get('$status')).length, 1);
    assert.equal((await redeliver()).json.parameter[0].valueUnsignedInt, 1);
    assert.equal(await sendDue(), 1);
    assert.equal(eventsOf(await get('$status')).length, 0);
    assert.equal((await redeliver()).json.parameter[0].valueUnsignedInt, 0);
  });

  it('that fail again have as long as new ones before they are given up again', async () => {
    await happen();
    await giveUp();
    await redeliver();
    failing = true;
    await sendDue();
    assert.equal(eventsOf(await get('$status')).length, 0);
    await giveUp();
    assert.equal(eventsOf(await get('$status')).length, 1);
  });

  it('are sent again once under an Idempotency-Key', async () => {
    await happen();
    await giveUp();
    const headers = { 'idempotency-key': 'again' };
    const first = await redeliver(numbers(), headers);
    assert.equal(await sendDue(), 1);
    await happen();
    await giveUp();
    const second = await redeliver(numbers(), headers);
    assert.equal(second.text, first.text);
    assert.equal(await sendDue(), 0);
    assert.equal((await redeliver({ resourceType: 'Patient' })).code, 'parameters-invalid');
    assert.equal(
      (await redeliver({ resourceType: 'Parameters', parameter: [null] })).code,
      'parameters-invalid',
    );
  });

  it('of a subscription that has ended are not sent again: it says what to do first', async () => {
    await happen();
    await giveUp();
    await owner(`update subscription set ends_at = now() - interval '1 second'`);
    const answer = await redeliver();
    assert.equal(answer.status, 422);
    assert.match(answer.text, /PUT/);
  });

  it('never hold what the connection may not know of, though it was never sent or looked at', async () => {
    const narrow = await world.access(here, {
      scopes: ['system/Subscription.cruds', 'system/Observation.r'],
      labels: labelBits('GENERAL_HEALTH'),
    });
    await owner('delete from subscription');
    id = await subscribed(narrow);
    const there = await world.organisation();
    await world.register(patient, there);
    const known = await world.observation(here, patient);
    const hidden = [
      await world.observation(here, patient, { label: 'SEXUAL_HEALTH' }),
      await world.observation(there, patient),
      await world.stored(
        here,
        { resourceType: 'Condition', subject: { reference: `Patient/${patient.id}` } },
        { patientId: patient.id },
      ),
    ];
    await giveUp();
    await giveUp();
    for (const path of ['$status', '$events']) {
      const { text } = await get(path, narrow);
      assert.match(text, new RegExp(known.id));
      for (const { id: secret } of hidden) assert.doesNotMatch(text, new RegExp(secret), path);
    }
    const { json } = await get('$status', narrow);
    const told = json.entry[0].resource.parameter.find(({ name }: Part) => name.startsWith('events-since'));
    assert.equal(told.valueString, '1', 'nor are they counted');
  });

  it('are no longer shown, nor sent again, once the connection may no longer know of them', async () => {
    await happen();
    await giveUp();
    await owner('update connection set labels = $1', [labelBits('SEXUAL_HEALTH')]);
    for (const path of ['$status', '$events']) assert.equal(eventsOf(await get(path)).length, 0, path);
    assert.equal((await redeliver()).json.parameter[0].valueUnsignedInt, 0);
    await owner('update connection set labels = 15');
    assert.equal(eventsOf(await get('$status')).length, 1);
    await owner('delete from registration where patient_id = $1', [patient.id]);
    assert.equal(eventsOf(await get('$status')).length, 0);
  });

  it('and what waits: an entry that has come under a label the connection lacks is not told of', async () => {
    const observation = await happen();
    await owner('update connection set labels = $1', [labelBits('GENERAL_HEALTH')]);
    await owner('update resource set label = 2 where id = $1', [observation]);
    assert.equal(await sendDue(), 0);
    assert.deepEqual(sent, []);
  });

  it('come of a subscription that is paused for longer than a receiver may fail', async () => {
    const body = (await world.fhir(here, access.token, `/Subscription/${id}`)).json;
    const put = (status: string) =>
      world.fhir(here, access.token, `/Subscription/${id}`, { method: 'PUT', body: { ...body, status } });
    await put('off');
    await happen();
    await owner(`update notification set at = at - interval '61 hours'`);
    await happen();
    await sweepNotifications(world.db.database.service);
    const [event, ...more] = eventsOf(await get('$status'));
    assert.deepEqual([event!.error, more.length], ['paused', 0]);
    await put('requested');
    assert.equal(await sendDue(), 1, 'what is newer goes on');
    await redeliver();
    assert.equal(await sendDue(), 1);
  });

  /** What has waited for longer than a receiver may fail, and what is newer, is swept while `held`, then looked at. */
  async function sweptWhile(held: string, back: string, values: unknown[]) {
    await happen();
    await owner(`update notification set at = at - interval '61 hours'`);
    await happen();
    await owner(held, values);
    assert.equal(await sendDue(), 0);
    await sweepNotifications(world.db.database.service);
    await sweepNotifications(world.db.database.service);
    await owner(back, values);
    return eventsOf(await get('$status')).map(({ error, attempts, 'event-number': number }) => ({
      error,
      attempts,
      number,
    }));
  }

  it('come of access that was suspended, or a system that was not live, for longer than a receiver may fail', async () => {
    const connection = `update connection set status =`;
    const system = `update system set standing =`;
    for (const [error, held, back, value] of [
      ['connection-suspended', `${connection} 'suspended'`, `${connection} 'active'`, access.connection.id],
      ['system-not-live', `${system} 'suspended'`, `${system} 'live'`, access.system.clientId],
    ] as const) {
      const where = ` where ${error === 'system-not-live' ? 'client_id' : 'id'} = $1`;
      sent = [];
      const events = await sweptWhile(held + where, back + where, [value]);
      assert.deepEqual(
        events.map((event) => event.error),
        [error],
      );
      await again();
      assert.equal(await sendDue(), 1, 'what is newer goes on');
      assert.equal((await redeliver()).json.parameter[0].valueUnsignedInt, 1);
      assert.equal(await sendDue(), 1, 'and what was given up can be had');
      const { rows } = await owner(
        'select sum(given_up)::integer as n from push_count where subscription_id = $1',
        [id],
      );
      assert.ok(rows[0].n >= 1, 'it is counted as given up');
    }
  });

  it('of access that was suspended hold nothing that may no longer be known', async () => {
    const suspended = `update connection set status = 'suspended', labels = ${labelBits('MENTAL_HEALTH')} where id = $1`;
    const back = `update connection set status = 'active' where id = $1`;
    assert.deepEqual(await sweptWhile(suspended, back, [access.connection.id]), []);
    const { rows } = await owner(
      'select from notification where subscription_id = $1 and dead_at is not null',
      [id],
    );
    assert.equal(rows.length, 0);
  });

  it('do not come of a suspension that the subscription is there to tell', async () => {
    await owner(`update subscription set topic = 'connection-changed' where id = $1`, [id]);
    await owner(`update connection set status = 'suspended' where id = $1`, [access.connection.id]);
    await owner(
      `insert into connection_event (id, connection_id, at, kind) values (gen_random_uuid(), $1, now(), 'suspended')`,
      [access.connection.id],
    );
    await owner(`update notification set at = at - interval '61 hours' where subscription_id = $1`, [id]);
    await sweepNotifications(world.db.database.service);
    assert.equal(await sendDue(), 1);
  });

  it('are counted, as is what was delivered and what failed, by day', async () => {
    await happen();
    await sendDue();
    await happen();
    await giveUp();
    const { rows } = await owner(
      'select delivered, failed, given_up, error from push_count where subscription_id = $1',
      [id],
    );
    assert.deepEqual(rows, [{ delivered: 1, failed: 1, given_up: 1, error: 'HTTP 500' }]);
  });

  it('are in nobody else’s reach by the functions that hold them', async () => {
    await happen();
    await giveUp();
    const { rows } = await world.db.database.service.query(
      `select (select count(*) from subscription_events($1, $2, 1, 100, false, 100))::int as events,
              redeliver_notifications($1, $2, 1, 100) as again,
              (select count(*) from push_of_connection($3))::int as pushes,
              (select count(*) from push_count)::int as counts,
              (select result from fhir_update_subscription('', $1, $2, 'letter-read', null, 'https://e.example.org/', null,
                                                           '{}', null, false, null)) as result`,
      [Number.parseInt(id.slice(0, 8), 16) | 0, id, access.connection.id],
    );
    assert.deepEqual(rows, [{ events: 0, again: null, pushes: 0, counts: 0, result: 'not-found' }]);
    for (const name of ['notification_covered(null, null)', `give_up_notifications(1, null, '', now())`]) {
      await assert.rejects(world.db.database.service.query(`select ${name}`), /permission denied/);
    }
  });
});
