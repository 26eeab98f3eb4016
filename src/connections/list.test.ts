import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

describe('the list of connected systems', () => {
  const t = connectionPages();

  it('says how to begin when nothing is connected', async () => {
    const client = await t.app.signedIn(t.administrator);
    const page = await client.get('/connected-systems');
    assert.equal(page.statusCode, 200);
    assert.match(textOf(page.body), /No system is connected yet/);
    assert.match(page.body, /href="\/connected-systems\/add"/);
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('shows system, company, client ID, permissions, status, who granted it and when it was last used', async () => {
    const clientId = await t.app.world.system({ name: 'Ward Viewer', company: 'Viewers Ltd' });
    const { connectionId, client } = await t.grantByPages(clientId);
    await t.call(connectionId, 'allowed');
    const page = await client.get('/connected-systems');
    const text = textOf(page.body);
    for (const part of [
      'Ward Viewer',
      'Viewers Ltd',
      clientId,
      'Read and search patients’ details',
      'Active',
      'by Ada Min',
      'Revoke access',
    ])
      assert.ok(text.includes(part), `${part} in ${text}`);
    assert.doesNotMatch(text, /Never/);
    assert.deepEqual(await htmlProblems(page.body), []);
  });

  it('is shown to coordinators and professionals without a way to change anything', async () => {
    const { connectionId } = await t.grantByPages(await t.app.world.system());
    for (const role of ['coordinator', 'professional'] as const) {
      const client = await t.app.signedIn(await t.app.world.staff(t.organisation.id, role));
      for (const url of ['/connected-systems', `/connected-systems/${connectionId}`]) {
        const page = await client.get(url);
        assert.equal(page.statusCode, 200);
        assert.doesNotMatch(
          page.body,
          /connected-systems\/add|\/revoke|\/suspend|Revoke access|Add connection/,
        );
      }
    }
  });

  it('filters by status and text, sorts by each column, and pages by twenty', async () => {
    for (let n = 1; n <= 22; n++) {
      const clientId = await t.app.world.system({ name: `Viewer ${n}`, company: `Company ${23 - n}` });
      await t.insertConnection(clientId, n === 7 ? 'revoked' : 'active');
    }
    const client = await t.app.signedIn(t.administrator);
    const names = async (query: string) => {
      const page = await client.get(`/connected-systems${query}`);
      assert.equal(page.statusCode, 200, query);
      return [...page.body.matchAll(/<a href="\/connected-systems\/[^"/]+">(Viewer \d+)</g)].map(
        ([, name]) => name,
      );
    };
    const all = Array.from({ length: 22 }, (_, n) => `Viewer ${n + 1}`);
    assert.deepEqual(await names(''), all.slice(0, 20));
    assert.deepEqual(await names('?page=2'), all.slice(20));
    assert.deepEqual(await names('?page=99'), all.slice(20), 'a page past the end is the last');
    assert.deepEqual(await names('?page=-1&sort=nonsense&direction=x&status=y'), all.slice(0, 20));
    assert.deepEqual(await names('?status=revoked'), ['Viewer 7']);
    assert.deepEqual(await names('?search=viewer+22'), ['Viewer 22']);
    assert.deepEqual(await names('?search=%25'), [], 'a per cent sign stands for itself');
    assert.deepEqual((await names('?sort=system&direction=descending')).slice(0, 2), [
      'Viewer 22',
      'Viewer 21',
    ]);
    assert.deepEqual((await names('?sort=company')).slice(0, 2), ['Viewer 22', 'Viewer 21']);
    assert.equal((await names('?sort=status&direction=descending'))[0], 'Viewer 7');
    for (const sort of ['granted', 'used']) assert.equal((await names(`?sort=${sort}`)).length, 20);
    const none = await client.get('/connected-systems?search=nothing-like-it');
    assert.match(textOf(none.body), /No connection matches/);
    assert.deepEqual(
      await htmlProblems((await client.get('/connected-systems?page=2&sort=company')).body),
      [],
    );
  });

  it("shows nothing of another organisation's", async () => {
    await t.grantByPages(await t.app.world.system({ name: 'Only ours' }));
    const stranger = await t.app.signedIn(await t.app.world.staff((await t.app.world.organisation()).id));
    assert.doesNotMatch((await stranger.get('/connected-systems')).body, /Only ours/);
  });
});
