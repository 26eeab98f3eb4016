import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createLocalJWKSet, flattenedVerify, type JSONWebKeySet } from 'jose';
import { createWorld, labelBits, observationOf, type World } from '../../test/support/world.ts';
import { newResourceId, routeOf } from '../ids.ts';
import { createSendDue, RETRY_AFTER_SECONDS } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { sweepNotifications } from './store.ts';
import { canonicalOf, type Topic } from './topics.ts';

const ENDPOINT = 'https://vendor.example.org/hook';
type Sent = { url: string; headers: Record<string, string>; body: string };

describe('push', () => {
  let world: World;
  let keys: ReturnType<typeof createSigningKeys>;
  let sendDue: () => Promise<number>;
  let here: Awaited<ReturnType<World['organisation']>>;
  let access: Awaited<ReturnType<World['access']>>;
  let patient: { id: string };
  let sent: Sent[] = [];
  let answer: () => void = () => {};

  const owner = (text: string, values: unknown[] = []) => world.db.database.owner.query(text, values);

  before(async () => {
    world = await createWorld();
    keys = createSigningKeys(world.context);
    const post = async (url: string, headers: Record<string, string>, body: string) => {
      sent.push({ url, headers, body });
      answer();
    };
    sendDue = createSendDue({ ...world.context, keys, post });
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

  /** A subscription whose endpoint has taken its handshake. */
  async function subscribed(topic: Topic, more: object = {}, by = access): Promise<string> {
    const made = await world.fhir(here, by.token, '/Subscription', {
      method: 'POST',
      body: subscription(topic, more),
    });
    assert.equal(made.status, 201, made.text);
    assert.equal(await sendDue(), 1);
    sent = [];
    return made.json.id;
  }
  const subscription = (topic: Topic, more: object = {}) => ({
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'test',
    criteria: canonicalOf(topic),
    channel: {
      type: 'rest-hook',
      endpoint: ENDPOINT,
      payload: 'application/fhir+json',
      header: ['Authorization: Bearer theirs'],
    },
    ...more,
  });
  const write = (body: object = observationOf(patient), token = access.token) =>
    world.fhir(here, token, `/${(body as { resourceType: string }).resourceType}`, { method: 'POST', body });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into notifications freely.
  const parameters = ({ body }: Sent): any[] => JSON.parse(body).entry[0].resource.parameter;
  const part = (one: Sent, name: string) =>
    parameters(one)
      .find((parameter) => parameter.name === 'notification-event')
      ?.part.find((each: { name: string }) => each.name === name);
  const numberOf = (one: Sent) => Number(part(one, 'event-number').valueString);
  const statusOf = async (id: string) =>
    (await world.fhir(here, access.token, `/Subscription/${id}`)).json.status;
  /** As if the time to wait were over. */
  const again = async () => {
    await owner('update notification set next_attempt_at = now() where dead_at is null');
    await owner('update subscription set retry_at = now()');
  };

  it('shakes hands before anything else: only an endpoint that takes it is told of events', async () => {
    const made = await write(subscription('record-changed'));
    assert.equal(made.json.status, 'requested');
    await write();
    answer = () => {
      throw Object.assign(new Error(), { code: 'HTTP 404' });
    };
    assert.equal(await sendDue(), 0);
    assert.equal(sent.length, 1);
    assert.equal(parameters(sent[0]!).find(({ name }) => name === 'type').valueCode, 'handshake');
    assert.equal(await statusOf(made.json.id), 'requested');
    answer = () => {};
    await again();
    assert.equal(await sendDue(), 1);
    assert.equal(await statusOf(made.json.id), 'active');
    assert.equal(sent.length, 2, 'what happened before is not told');
  });

  it('tells of a change in a record with ids alone, numbered, with the headers asked for', async () => {
    const id = await subscribed('record-changed');
    const first = await write();
    await world.fhir(here, access.token, `/Observation/${first.json.id}`, { method: 'DELETE' });
    assert.equal(await sendDue(), 2);
    // They are sent side by side, so either may be first.
    sent.sort((one, other) => numberOf(one) - numberOf(other));
    const bundle = JSON.parse(sent[0]!.body);
    assert.equal(sent[0]!.url, ENDPOINT);
    assert.equal(sent[0]!.headers.authorization, 'Bearer theirs');
    assert.equal(bundle.type, 'history');
    assert.equal(part(sent[0]!, 'focus').valueReference.reference, `Observation/${first.json.id}`);
    assert.equal(part(sent[0]!, 'additional-context').valueReference.reference, `Patient/${patient.id}`);
    assert.deepEqual(
      sent.map((one) => part(one, 'change').valueCode),
      ['create', 'delete'],
    );
    assert.deepEqual(
      sent.map((one) => part(one, 'event-number').valueString),
      ['1', '2'],
    );
    assert.doesNotMatch(sent[0]!.body, /8867-4|beats|valueQuantity/);
    assert.ok(
      bundle.entry[1].fullUrl.endsWith(`/organisations/${here.id}/fhir/R4/Observation/${first.json.id}`),
    );
    assert.match(parameters(sent[0]!)[0].valueReference.reference, new RegExp(`/Subscription/${id}$`));
  });

  it('signs each body for its receiver, so that any change to it shows', async () => {
    await subscribed('record-changed');
    await write();
    await sendDue();
    const { body, headers } = sent[0]!;
    const [header = '', nothing, signature = ''] = headers['x-jws-signature']!.split('.');
    assert.equal(nothing, '');
    const set = (await keys.jwks()) as JSONWebKeySet;
    assert.ok(
      set.keys.every((key) => !('d' in key)),
      'no private part is shown',
    );
    const verify = (text: string) =>
      flattenedVerify(
        { protected: header, payload: Buffer.from(text).toString('base64url'), signature },
        createLocalJWKSet(set),
      );
    const { protectedHeader } = await verify(body);
    assert.equal(protectedHeader?.alg, 'ES384');
    assert.equal(protectedHeader?.aud, ENDPOINT);
    assert.equal(protectedHeader?.jti, JSON.parse(body).id);
    await assert.rejects(verify(body.replace('create', 'update')));
  });

  it('has one signing key, however many processes ask for the first', async () => {
    await owner('delete from signing_key');
    const many = await Promise.all(
      Array.from({ length: 4 }, () => createSigningKeys(world.context).current()),
    );
    assert.equal(new Set(many.map(({ kid }) => kid)).size, 1);
  });

  it('has an audit record of each telling before it leaves; without one nothing does', async () => {
    await subscribed('record-changed');
    await write();
    world.faults.audit = true;
    try {
      assert.equal(await sendDue(), 0);
      assert.equal(sent.length, 0);
    } finally {
      world.faults.audit = false;
    }
    await again();
    assert.equal(await sendDue(), 1);
    const entry = world.audit.at(-1)!;
    assert.deepEqual([entry.interaction, entry.patients], ['notify', [patient.id]]);
    assert.equal(entry.connectionId, access.connection.id);
  });

  it('stops with the connection: nothing that happened before a revoke is sent after it', async () => {
    await subscribed('record-changed');
    await write();
    await world.revoke(access.connection);
    assert.equal(await sendDue(), 0);
    assert.equal(sent.length, 0);
    assert.equal((await owner('select from notification')).rowCount, 0);
  });

  it('leaves nothing queued of access that has ended, though it was paused or not due', async () => {
    const id = await subscribed('record-changed');
    await subscribed('connection-changed');
    const body = (await world.fhir(here, access.token, `/Subscription/${id}`)).json;
    await world.fhir(here, access.token, `/Subscription/${id}`, {
      method: 'PUT',
      body: { ...body, status: 'off' },
    });
    await write();
    await world.revoke(access.connection);
    await owner(
      `insert into connection_event (id, connection_id, at, kind) values (gen_random_uuid(), $1, now(), 'revoked')`,
      [access.connection.id],
    );
    await sweepNotifications(world.db.database.service);
    const { rows } = await owner('select topic from notification');
    assert.deepEqual(rows, [{ topic: 'connection-changed' }]);
    await world.observation(here, patient);
    assert.equal((await owner('select from notification')).rowCount, 1, 'nor is anything more');
    assert.equal(await sendDue(), 1);
  });

  it('does not go on under a later grant, which may hold less', async () => {
    await subscribed('record-changed');
    await world.revoke(access.connection);
    await owner(`update connection set granted_at = granted_at - interval '1 day' where id = $1`, [
      access.connection.id,
    ]);
    await world.connection(here, access.system, { scopes: ['system/*.cruds'] });
    await write();
    assert.equal(await sendDue(), 0);
  });

  it('waits while access is suspended', async () => {
    await subscribed('record-changed');
    await write();
    await owner(`update connection set status = 'suspended' where id = $1`, [access.connection.id]);
    assert.equal(await sendDue(), 0);
    await owner(`update connection set status = 'active' where id = $1`, [access.connection.id]);
    await again();
    assert.equal(await sendDue(), 1);
  });

  it('tells of nothing that the connection may not read: type, label, team, other organisations', async () => {
    const there = await world.organisation();
    const stranger = await world.patient(there);
    const narrow = await world.access(here, {
      scopes: ['system/Subscription.cruds', 'system/Observation.r'],
      labels: labelBits('GENERAL_HEALTH'),
    });
    await subscribed('record-changed', {}, narrow);
    await world.observation(here, patient, { label: 'SEXUAL_HEALTH' });
    await world.observation(there, stranger);
    await world.stored(
      here,
      { resourceType: 'Condition', subject: { reference: `Patient/${patient.id}` } },
      { patientId: patient.id },
    );
    assert.equal(await sendDue(), 0);
    await world.observation(here, patient);
    assert.equal(await sendDue(), 1);

    const teamless = await world.access(here, { teams: [newResourceId(here.id)] });
    await owner('delete from subscription');
    await subscribed('record-changed', {}, teamless);
    await world.observation(here, patient);
    assert.equal(await sendDue(), 0);
  });

  it('tells of what another organisation wrote only where the patient shares it', async () => {
    const there = await world.organisation();
    await world.register(patient, there);
    await subscribed('record-changed');
    await world.observation(there, patient);
    assert.equal(await sendDue(), 0);
    await world.register(patient, here, { shares: labelBits('GENERAL_HEALTH') });
    await world.observation(there, patient);
    assert.equal(await sendDue(), 1);
  });

  it('gives no more than the token that subscribed', async () => {
    const token = await world.token(access.system, { scopes: ['system/Subscription.c'] });
    await subscribed('record-changed', {}, { ...access, token });
    await write();
    assert.equal(await sendDue(), 0);
  });

  it('keeps to the types asked for', async () => {
    await subscribed('record-changed', {
      _criteria: {
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria',
            valueString: 'Condition?',
          },
        ],
      },
    });
    await write();
    assert.equal(await sendDue(), 0);
  });

  it('tells when a letter is read for the first time, and not again', async () => {
    await subscribed('letter-read');
    const id = newResourceId(patient.id);
    await owner(
      `insert into letter (route, id, patient_id, organisation_id, label, title, document_at, sent_at, visible_from)
       values ($1, $2, $3, $4, 0, 'Letter', now(), now(), now())`,
      [routeOf(id), id, patient.id, here.id],
    );
    for (const at of ['now()', `now() + interval '1 second'`])
      await owner(`update letter set first_read_at = ${at} where route = $1 and id = $2`, [routeOf(id), id]);
    assert.equal(await sendDue(), 1);
    assert.equal(part(sent[0]!, 'focus').valueReference.reference, `DocumentReference/${id}`);
  });

  it('tells when an invitation is used and when a patient is registered', async () => {
    const invited = await world.access(here, {
      scopes: [
        'system/Subscription.c',
        'system/Patient.r',
        'system/Organization.$generate-invitation-tokens',
      ],
    });
    await subscribed('invitation-used', {}, invited);
    await subscribed('patient-registered', {}, invited);
    const id = newResourceId(patient.id);
    await owner(
      `insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, expires_at)
       values ($1, $2, $3, $4, $5, $5, now() + interval '1 day')`,
      [routeOf(id), id, patient.id, here.id, randomBytes(32)],
    );
    await owner('update invitation set used_at = now() where route = $1 and id = $2', [routeOf(id), id]);
    const registered = await world.patient(here);
    assert.equal(await sendDue(), 2);
    const focuses = sent.map((one) => part(one, 'focus').valueReference.reference);
    assert.deepEqual(focuses.sort(), [`Patient/${patient.id}`, `Patient/${registered.id}`].sort());
  });

  it('tells of the end of the connection itself, as the last thing', async () => {
    await subscribed('connection-changed');
    await subscribed('record-changed');
    await write();
    await world.revoke(access.connection);
    await owner(
      `insert into connection_event (id, connection_id, at, kind) values (gen_random_uuid(), $1, now(), 'revoked')`,
      [access.connection.id],
    );
    assert.equal(await sendDue(), 1);
    assert.equal(part(sent[0]!, 'change').valueCode, 'revoked');
  });

  it('tries again, later each time, then keeps a dead letter that the vendor sees with its reason', async () => {
    const id = await subscribed('record-changed');
    const { json } = await write();
    answer = () => {
      throw Object.assign(new Error('private words'), { code: 'HTTP 500' });
    };
    for (const seconds of RETRY_AFTER_SECONDS) {
      await sendDue();
      const { rows } = await owner(
        'select extract(epoch from next_attempt_at - now())::float as wait from notification where dead_at is null',
      );
      assert.ok(Math.abs(rows[0].wait - seconds) < 5, `${rows[0].wait} for ${seconds}`);
      assert.equal(await sendDue(), 0, 'not before its time');
      await again();
    }
    await owner(`update notification set at = at - interval '61 hours'`);
    await sendDue();
    assert.equal(sent.length, RETRY_AFTER_SECONDS.length + 1);
    assert.equal(new Set(sent.map((one) => part(one, 'event-number').valueString)).size, 1);
    assert.equal(await statusOf(id), 'error');
    const status = await world.fhir(here, access.token, `/Subscription/${id}/$status`);
    const [parts] = status.json.entry.map(
      (entry: { resource: { parameter: object[] } }) => entry.resource.parameter,
    );
    const dead = parts.find((one: { name: string }) => one.name === 'notification-event');
    assert.match(JSON.stringify(dead), new RegExp(json.id));
    assert.match(JSON.stringify(dead), /HTTP 500/);
    assert.doesNotMatch(status.text, /private words/);
    answer = () => {};
    await write();
    assert.equal(await sendDue(), 0, 'a receiver that fails is left alone until its time');
    await again();
    assert.equal(await sendDue(), 1);
    assert.equal(await statusOf(id), 'active', 'one that arrives ends the error');
  });

  it('tries a receiver that fails with one notification at a time, and sends the rest once it takes that', async () => {
    await subscribed('record-changed');
    for (let n = 0; n < 7; n++) await write();
    answer = () => {
      throw Object.assign(new Error(), { code: 'HTTP 503' });
    };
    await sendDue();
    assert.ok(sent.length <= 4, 'as many as were on their way when the first failed');
    for (const _ of [1, 2]) {
      sent = [];
      await again();
      await sendDue();
      assert.equal(sent.length, 1);
    }
    const { rows } = await owner('select failures from subscription');
    assert.equal(rows[0].failures, 3, 'those that fail together are one failure');
    answer = () => {};
    await again();
    assert.equal(await sendDue(), 7);
  });

  it('lets no receiver that is slow hold up another', async () => {
    await subscribed('record-changed');
    const other = { type: 'rest-hook', endpoint: 'https://quick.example.org/hook' };
    await subscribed('record-changed', { channel: other });
    for (let n = 0; n < 6; n++) await write();
    const slow = Promise.withResolvers<void>();
    let quick = 0;
    const allQuick = Promise.withResolvers<void>();
    const post = async (url: string) => {
      if (url === ENDPOINT) return slow.promise;
      if (++quick === 6) allQuick.resolve();
    };
    const all = createSendDue({ ...world.context, keys, post })();
    await allQuick.promise;
    slow.resolve();
    assert.equal(await all, 12);
  });

  it('is sent by one process of those that look at the same time', async () => {
    await subscribed('record-changed');
    for (let n = 0; n < 6; n++) await write();
    const counts = await Promise.all([sendDue(), sendDue(), sendDue()]);
    assert.equal(
      counts.reduce((all, one) => all + one, 0),
      6,
    );
    assert.equal(new Set(sent.map(({ body }) => JSON.parse(body).id)).size, 6);
  });

  it('ends with the time that was set for it', async () => {
    await subscribed('record-changed', { end: new Date(Date.now() + 3_600_000).toISOString() });
    await owner(`update subscription set ends_at = now() - interval '1 second'`);
    await write();
    assert.equal(await sendDue(), 0);
    assert.equal((await owner('select status from subscription')).rows[0].status, 'off');
  });
});
