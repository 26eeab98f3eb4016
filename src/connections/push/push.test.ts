import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { connectionPages } from '../../../test/support/connections-app.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { textOf } from '../../../test/support/page-client.ts';
import { routeOf } from '../../ids.ts';
import { problemInWords, pushData } from './push-in-words.ts';
import { createReadPush, type Push } from './read-push.ts';

describe('what a connection is told of', () => {
  const t = connectionPages();
  const query = (text: string, values: unknown[]) => t.db.database.owner.query(text, values);

  const granted = async () =>
    (await t.grantByPages(await t.app.world.system({ name: 'Letters' }))).connectionId;

  async function subscribed(connectionId: string, status = 'active', topic = 'letter-read') {
    const id = t.organisation.id.slice(0, 8) + randomUUID().slice(8);
    await query(
      `insert into subscription (route, id, organisation_id, connection_id, topic, permissions, endpoint, content, status,
                                 created_at, updated_at)
       values ($1, $2, $3, $4, $5, '{}', 'https://hooks.example.org/a-secret-path', '{}', $6, now(), now())`,
      [routeOf(id), id, t.organisation.id, connectionId, topic, status],
    );
    return id;
  }
  const event = (id: string, daysAgo: number, dead = false) =>
    query(
      `insert into notification (route, subscription_id, topic, at, change, number, next_attempt_at, dead_at)
       values ($1, $2, 'letter-read', now() - $3 * interval '1 day', 'update', 1, now(), case when $4 then now() end)`,
      [routeOf(id), id, daysAgo, dead],
    );
  const counted = (
    connectionId: string,
    id: string,
    daysAgo: number,
    counts: [number, number, number],
    error?: string,
  ) =>
    query(
      `insert into push_count (organisation_id, connection_id, subscription_id, day, delivered, failed, given_up,
                               delivered_at, failed_at, error)
       values ($1, $2, $3, (now() at time zone 'Europe/London')::date - $4::integer, $5, $6, $7,
               case when $5::integer > 0 then now() end, case when $6::integer > 0 then now() end, $8)`,
      [t.organisation.id, connectionId, id, daysAgo, ...counts, error],
    );
  async function page(path: string, as = t.administrator) {
    const answer = await (await t.app.signedIn(as)).get(`/connected-systems/${path}`);
    assert.equal(answer.statusCode, 200);
    return answer.body;
  }

  it('is nothing, and the page says so, until it asks for something', async () => {
    const body = await page(await granted());
    assert.deepEqual(await htmlProblems(body), []);
    assert.match(textOf(body), /None: it has not asked to be told of anything/);
  });

  it('stands on the connection’s page with its receiver’s host, its standing, what waits and what went wrong', async () => {
    const connectionId = await granted();
    const id = await subscribed(connectionId, 'error');
    await event(id, 1);
    await event(id, 3, true);
    await event(id, 3, true);
    await counted(connectionId, id, 1, [5, 0, 0]);
    await counted(connectionId, id, 0, [0, 4, 2], 'HTTP 503');
    const body = await page(connectionId);
    assert.deepEqual(await htmlProblems(body), []);
    const text = textOf(body);
    assert.match(text, /A patient opens a letter.*to hooks\.example\.org/s);
    assert.doesNotMatch(body, /a-secret-path/);
    assert.match(text, /Not getting through/);
    assert.match(text, /had a fault \(HTTP 503\)/);
    assert.match(text.replace(/\s+/g, ' '), /Waiting 1 Given up 2/);
  });

  it('is told apart from calls, wherever these are counted', async () => {
    const connectionId = await granted();
    const told = (requestId: string) =>
      query(
        `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id, hash)
         values (gen_random_uuid(), 1, now(), $2, 'fhir', 'notify', 'allowed', 200, $1, '')`,
        [connectionId, requestId],
      );
    const view = async (path = connectionId) => {
      const body = await page(path);
      assert.deepEqual(await htmlProblems(body), []);
      return textOf(body).replace(/\s+/g, ' ');
    };
    await t.call(connectionId, 'allowed');
    assert.match(await view(), /Calls In the last 7 days: 1 call\. Last call: [^.]+\. The latest 1 call /);
    for (const requestId of ['one', 'one', 'two']) await told(requestId);
    assert.match(
      await view(),
      /Calls and notifications In the last 7 days: 1 call\. Last call: .*2 notifications sent to it in the last 7 days\. Last notification: .*The latest 4 calls and notifications/,
    );
    assert.match(
      await view(`${connectionId}/revoke`),
      /It made 1 call for .* It was sent 2 notifications in these days; the last: /,
    );
    assert.match(await view(''), /last notification \d/);
  });

  it('is counted over time, and is in the numbers to download', async () => {
    const connectionId = await granted();
    const id = await subscribed(connectionId);
    await event(id, 0);
    await counted(connectionId, id, 0, [3, 1, 0]);
    await counted(connectionId, id, 1, [4, 0, 2]);
    await counted(connectionId, id, 300, [100, 0, 0]);
    await counted(await granted(), randomUUID(), 0, [1000, 0, 0]);
    const shown = await page(`${connectionId}/numbers?period=days`);
    assert.deepEqual(await htmlProblems(shown), []);
    assert.match(shown, /<title id="chart-push-title">Notifications over time/);
    const [header, ...lines] = (await page(`${connectionId}/numbers.csv?period=days`))
      .trimEnd()
      .split('\r\n');
    const names = header!.match(/("[^"]*"|[^,]+)/g)!.map((name) => name.replaceAll('"', ''));
    const column = (name: string) => lines.map((line) => line.split(',')[names.indexOf(name)]);
    assert.deepEqual(column('Notifications delivered').slice(-3), ['4', '3', '100']);
    assert.deepEqual(column('Attempts to deliver that failed').slice(-3), ['0', '1', '0']);
    assert.deepEqual(column('Notifications given up').slice(-3), ['2', '0', '0']);
    assert.deepEqual(column('Notifications waiting, by the day it happened').slice(-3), ['0', '1', '0']);
  });

  it('is for the organisation’s own staff alone', async () => {
    const connectionId = await granted();
    await subscribed(connectionId);
    const elsewhere = await t.app.world.organisation();
    const readPush = createReadPush(t.app.context);
    const stranger = await t.app.world.staff(elsewhere.id);
    assert.deepEqual(await readPush(stranger, connectionId), []);
    assert.equal((await readPush(t.administrator, connectionId)).length, 1);
    const nobody = { accountId: stranger.accountId, organisationId: t.organisation.id };
    assert.deepEqual(await readPush(nobody, connectionId), [], 'a role elsewhere is none here');
  });
});

describe('in words', () => {
  const push: Push = {
    topic: 'letter-read',
    host: 'hooks.example.org',
    standing: 'active',
    paused: false,
    waiting: 0,
    dead: 0,
    lastDelivered: null,
    lastFailed: null,
    failing: false,
    error: null,
  };
  const live = { status: 'active', systemLive: true } as const;

  for (const [what, parts, connection, says] of [
    ['it works', {}, live, /^Working$/],
    ['it fails', { failing: true }, live, /^Not getting through/],
    ['it was given up', { standing: 'error' }, live, /^Not getting through/],
    [
      'it awaits its handshake',
      { standing: 'requested' },
      live,
      /^Waiting for the company’s server to confirm/,
    ],
    ['its company paused it', { standing: 'off', paused: true }, live, /^Paused by the company/],
    ['it has ended', { standing: 'off' }, live, /^Ended$/],
    ['access is suspended', {}, { ...live, status: 'suspended' }, /^Held back while access is suspended/],
    ['access was revoked', {}, { ...live, status: 'revoked' }, /^Ended with its access/],
    ['the system is not live', {}, { ...live, systemLive: false }, /^Held back while the system is not live/],
  ] as const) {
    it(`says when ${what}`, () => assert.match(pushData({ ...push, ...parts }, connection).stands, says));
  }

  it('says what went wrong without a word of the code alone', () => {
    for (const [code, says] of [
      ['HTTP 301', /sent us to another address/],
      ['HTTP 404', /did not accept it \(HTTP 404\)/],
      ['HTTP 503', /had a fault/],
      ['timeout', /did not answer in time/],
      ['UND_ERR_HEADERS_TIMEOUT', /did not answer in time/],
      ['ENOTFOUND', /no such server/],
      ['ECONNREFUSED', /Nothing answers/],
      ['UND_ERR_SOCKET', /broke off/],
      ['CERT_HAS_EXPIRED', /could not show that it is the one/],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', /could not show that it is the one/],
      ['endpoint-not-allowed', /private network or back to this service/],
      ['connection-suspended', /Access was suspended/],
      ['system-not-live', /The system was not live/],
      ['internal', /this service/],
      ['SOMETHING_ELSE', /could not be reached \(something else\)/],
    ] as const) {
      assert.match(problemInWords(code), says, code);
    }
  });
});
