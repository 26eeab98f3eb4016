import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { connectionPages } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('what a system is told of, on its connection’s page', () => {
  const t = connectionPages();
  const owner = (text: string, values: unknown[] = []) => t.db.database.owner.query(text, values);

  async function subscribed(connectionId: string, more: Record<string, unknown> = {}) {
    const row = { topic: 'letter-read', types: null, status: 'active', error: null, ...more };
    const id = t.organisation.id.slice(0, 8) + randomUUID().slice(8);
    await owner(
      `insert into subscription (route, id, organisation_id, connection_id, topic, types, permissions, endpoint, content,
                                 status, error, created_at, updated_at)
       values (fhir_route($1), $2, $1, $3, $4, $5, '{}', 'https://hooks.example.org/secret-path?key=theirs-alone', '{}',
               $6, $7, now(), now())`,
      [t.organisation.id, id, connectionId, row.topic, row.types, row.status, row.error],
    );
    return id;
  }
  const notification = (id: string, dead: boolean) =>
    owner(
      `insert into notification (route, subscription_id, topic, at, change, next_attempt_at, dead_at, error)
       values (fhir_route($1), $1, 'letter-read', now(), 'update', now(), case when $2 then now() end, 'HTTP 500')
       returning id`,
      [id, dead],
    );

  it('says whether it arrives, what waits and what was given up, and nothing of the address but its host', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Told' }));
    const before = await client.get(`/connected-systems/${connectionId}`);
    assert.doesNotMatch(before.body, /id="notifications"/, 'nothing of it where nothing was asked');
    const id = await subscribed(connectionId, { status: 'error', error: 'HTTP 500' });
    await subscribed(connectionId, { topic: 'record-changed', types: ['Observation'], status: 'off' });
    const sent = (await notification(id, false)).rows[0];
    for (const dead of [false, true, true]) await notification(id, dead);
    await owner('select notification_sent(fhir_route($1), $1, $2)', [id, sent.id]);
    const page = await client.get(`/connected-systems/${connectionId}`);
    const text = textOf(page.body);
    assert.match(text, /Letters that patients open (Sent to )?hooks\.example\.org/);
    assert.match(text, /Working .*1 Last: \d+ \w+ \d{4}.* 1 .*2 Last: \d+/);
    assert.match(text, /Changes in records: observations/i);
    assert.doesNotMatch(page.body, /secret-path|theirs-alone/);
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('says in words why it does not arrive', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Untold' }));
    for (const error of ['HTTP 404', 'timeout', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'endpoint-not-allowed']) {
      await subscribed(connectionId, { status: 'error', error });
    }
    const text = textOf((await client.get(`/connected-systems/${connectionId}`)).body);
    for (const words of [
      'answers with the error 404',
      'does not answer in time',
      'cannot be reached',
      'certificate of its endpoint is not valid',
      'not an address of the public internet',
    ]) {
      assert.ok(text.includes(words), words);
    }
  });

  it('is shown to the organisation’s own staff alone', async () => {
    const { connectionId } = await t.grantByPages(await t.app.world.system());
    await subscribed(connectionId);
    const stranger = await t.app.world.staff((await t.app.world.organisation()).id);
    const found = await t.db.database.service.query(
      `select s.* from act_for_staff($1, $2) role, staff_subscriptions($3) s`,
      [stranger.accountId, stranger.organisationId, connectionId],
    );
    assert.equal(found.rowCount, 0);
    const closed = await t.db.database.service.query('select * from staff_subscriptions($1)', [connectionId]);
    assert.equal(closed.rowCount, 0, 'nor to a statement that asked for nobody');
  });
});
