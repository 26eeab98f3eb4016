import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages } from '../../test/support/connections-app.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('who may do what', () => {
  const t = connectionPages();

  const PAGES = ['', '/revoke', '/suspend', '/resume', '/granted', '/revoked', '/reduce', '/reduced'];

  it("gives another organisation's connection and one that does not exist the same page", async () => {
    const { connectionId } = await t.grantByPages(await t.app.world.system());
    const stranger = await t.app.signedIn(await t.app.world.staff((await t.app.world.organisation()).id));
    const nothing = '0e2f4d1c-58cc-8372-a567-0e02b2c3d479';
    await stranger.get('/connected-systems');
    for (const rest of PAGES) {
      const theirs = await stranger.get(`/connected-systems/${connectionId}${rest}`);
      const none = await stranger.get(`/connected-systems/${nothing}${rest}`);
      const odd = await stranger.get(`/connected-systems/not-an-id${rest}`);
      assert.equal(theirs.statusCode, 404, rest);
      assert.equal(theirs.body, none.body);
      assert.equal(theirs.body, odd.body);
    }
    for (const act of ['revoke', 'suspend', 'resume', 'reduce']) {
      const theirs = await stranger.post(`/connected-systems/${connectionId}/${act}`);
      const none = await stranger.post(`/connected-systems/${nothing}/${act}`);
      assert.equal(theirs.statusCode, 404);
      assert.equal(theirs.body, none.body);
    }
    const { rows } = await t.db.database.service.query('select status from connection where id = $1', [
      connectionId,
    ]);
    assert.equal(rows[0].status, 'active');
  });

  it('tells coordinators and professionals which role they need, whatever they ask for', async () => {
    const clientId = await t.app.world.system();
    const { connectionId } = await t.grantByPages(await t.app.world.system());
    for (const role of ['coordinator', 'professional'] as const) {
      const client = await t.app.signedIn(await t.app.world.staff(t.organisation.id, role));
      await client.get('/connected-systems');
      for (const url of [
        '/connected-systems/add',
        `/connected-systems/add/${clientId}`,
        '/connected-systems/add/none',
        ...PAGES.slice(1).map((rest) => `/connected-systems/${connectionId}${rest}`),
      ]) {
        const page = await client.get(url);
        assert.equal(page.statusCode, 403, url);
        assert.match(
          textOf(page.body),
          /You need to be an organisation administrator to manage connected systems/,
        );
      }
      for (const url of [`/connected-systems/add/${clientId}`, `/connected-systems/${connectionId}/revoke`]) {
        assert.equal(
          (await client.post(url, { reviewed: 'x', scopes: 'system/Patient.rs' })).statusCode,
          403,
        );
      }
    }
    const { rows } = await t.db.database.service.query('select from connection where client_id = $1', [
      clientId,
    ]);
    assert.equal(rows.length, 0);
  });

  it('acts on no form without its token, from elsewhere, or of someone signed out', async () => {
    const { client, connectionId } = await t.grantByPages(await t.app.world.system());
    const url = `/connected-systems/${connectionId}/revoke`;
    await client.get(url);
    assert.equal((await client.post(url, { _csrf: 'wrong' })).statusCode, 403);
    assert.equal((await client.post(url, {}, { 'sec-fetch-site': 'cross-site' })).statusCode, 403);
    client.cookies.clear();
    const anonymous = await client.post(url);
    assert.equal(anonymous.statusCode, 303);
    assert.match(String(anonymous.headers.location), /^\/sign-in/);
    const { rows } = await t.db.database.service.query('select status from connection where id = $1', [
      connectionId,
    ]);
    assert.equal(rows[0].status, 'active');
  });

  it('leads from the start page to the list, and who is not signed in to sign-in and back', async () => {
    const client = await t.app.signedIn(t.administrator);
    assert.equal((await client.get('/')).headers.location, '/connected-systems');
    client.cookies.clear();
    assert.equal(
      (await client.get('/connected-systems?page=2')).headers.location,
      '/sign-in?next=%2Fconnected-systems%3Fpage%3D2',
    );
  });
});
