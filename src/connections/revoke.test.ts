import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('revoking and viewing', () => {
  const t = connectionPages();

  it('says what will stop, then shows when it stopped to the millisecond, also after a reload', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Stopped' }));
    for (let n = 0; n < 3; n++) await t.call(connectionId, n ? 'allowed' : 'scope-insufficient');
    const ask = await client.get(`/connected-systems/${connectionId}/revoke`);
    assert.match(
      textOf(ask.body),
      /It made 3 calls for your organisation in the last 7 days, of which 1 was refused/,
    );
    assert.deepEqual(await htmlProblems(ask.body), []);
    const done = await client.post(`/connected-systems/${connectionId}/revoke`, {
      reason: 'Contract ended',
    });
    assert.equal(done.statusCode, 303);
    const { rows } = await t.db.database.service.query('select ended_at from connection where id = $1', [
      connectionId,
    ]);
    for (let reload = 0; reload < 2; reload++) {
      const page = await client.get(String(done.headers.location));
      assert.match(
        textOf(page.body),
        /Revoked by Ada Min for .+ on \d+ \w+ \d{4} at \d\d:\d\d:\d\d\.\d{3} \w+/,
      );
      assert.match(page.body, new RegExp(`datetime="${rows[0].ended_at.toISOString()}"`));
      assert.match(textOf(page.body), /Contract ended/);
      assert.deepEqual(await htmlProblems(page.body), []);
    }
  });

  it('tells whoever comes second by whom and when it was revoked', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Gone' }));
    const second = await t.app.signedIn(await t.app.world.staff(t.organisation.id));
    await second.get(`/connected-systems/${connectionId}/revoke`);
    await client.get(`/connected-systems/${connectionId}/revoke`);
    await client.post(`/connected-systems/${connectionId}/revoke`);
    const late = await second.post(`/connected-systems/${connectionId}/revoke`);
    assert.equal(late.statusCode, 409);
    assert.match(textOf(late.body), /Gone is already revoked Access was already revoked by Ada Min on \d+/);
    const back = await second.get(`/connected-systems/${connectionId}/revoke`);
    assert.match(textOf(back.body), /Gone is already revoked/);
    assert.deepEqual(await htmlProblems(back.body), []);
  });

  it('suspends and resumes by pages like it', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Paused' }));
    for (const [act, said] of [
      ['suspend', 'Access suspended'],
      ['resume', 'Access resumed'],
    ]) {
      const ask = await client.get(`/connected-systems/${connectionId}/${act}`);
      assert.equal(ask.statusCode, 200);
      assert.deepEqual(await htmlProblems(ask.body), []);
      const done = await client.follow(await client.post(`/connected-systems/${connectionId}/${act}`));
      assert.ok(textOf(done.body).includes(said!));
      assert.deepEqual(await htmlProblems(done.body), []);
      const again = await client.post(`/connected-systems/${connectionId}/${act}`);
      assert.equal(again.statusCode, 409);
    }
    const stale = await client.get(`/connected-systems/${connectionId}/suspended`);
    assert.equal(stale.statusCode, 303, 'an old confirmation leads to the connection as it is');
  });

  it('refuses a reason that is too long and changes nothing', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system());
    await client.get(`/connected-systems/${connectionId}/revoke`);
    const page = await client.post(`/connected-systems/${connectionId}/revoke`, {
      reason: 'x'.repeat(501),
    });
    assert.equal(page.statusCode, 422);
    assert.match(textOf((await client.get(`/connected-systems/${connectionId}`)).body), /Active/);
  });

  it('shows the history and the latest calls with outcome, count and reference', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Seen' }));
    await t.call(connectionId, 'allowed', 'request-1');
    await t.call(connectionId, 'connection-suspended', 'request-2');
    const page = await client.get(`/connected-systems/${connectionId}`);
    const text = textOf(page.body);
    for (const part of [
      'Access granted',
      'Ada Min',
      'Searched observations',
      'Allowed',
      'Refused: access was suspended',
      'request-1',
      'request-2',
      '2 calls, of which 1 refused',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('says that the system is not live when its company or we stopped it', async () => {
    const clientId = await t.app.world.system();
    const { client, connectionId } = await t.grantByPages(clientId);
    await t.db.database.owner.query(`update system set standing = 'suspended' where client_id = $1`, [
      clientId,
    ]);
    assert.match(
      textOf((await client.get(`/connected-systems/${connectionId}`)).body),
      /not live at the moment/,
    );
    assert.match(textOf((await client.get('/connected-systems')).body), /Stopped by its company/);
  });

  it('lists every call, so many to a page, each once, and ends', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system({ name: 'Busy' }));
    for (let n = 0; n < 103; n++) await t.call(connectionId, n % 7 ? 'allowed' : 'not-found', `call-${n}.`);
    const seen: string[] = [];
    let address: string | undefined = `/connected-systems/${connectionId}`;
    const pages: string[] = [];
    while (address) {
      const { body } = await client.get(address);
      assert.deepEqual(await htmlProblems(body), []);
      pages.push(textOf(body));
      seen.push(...(body.match(/call-\d+\./g) ?? []));
      address = /href="([^"]*\?before=[^"]*)">Older calls/.exec(body)?.[1]?.split('#')[0];
    }
    assert.equal(pages.length, 3);
    assert.equal(seen.length, 103);
    assert.equal(new Set(seen).size, 103);
    assert.match(pages[0]!, /The latest 50 calls/);
    assert.match(pages[2]!, /Earlier calls.*Newest calls/);
    const beyond = await client.get(`/connected-systems/${connectionId}?before=nonsense`);
    assert.equal(beyond.statusCode, 200);
    assert.match(textOf(beyond.body), /No older calls/);
  });
});
