import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages, fieldsOf } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';

const HOSTILE = `<script>alert(1)</script>"'{{ 7*7 }}&amp;`;

describe('what a company calls itself', () => {
  const t = connectionPages();

  it('is printed as text, on every page', async () => {
    const clientId = `c${HOSTILE.replace('/', '')}`;
    await t.app.world.system({
      clientId,
      name: `N${HOSTILE}`,
      company: `C${HOSTILE}`,
      purpose: `P${HOSTILE}`,
      privacyNoticeUrl: 'javascript:alert(1)',
    });
    const action = `/connected-systems/add/${encodeURIComponent(clientId)}`;
    const client = await t.app.signedIn(t.administrator);
    const review = await client.get(action);
    const escaped = [...review.body.matchAll(/<form[^>]*action="([^"]*)" method="post"/g)]
      .map(([, to]) => to!)
      .find((to) => to.includes('/add/'))!;
    const form = fieldsOf(review.body, escaped).map(([name, value]): [string, string] => [
      name,
      name === 'reason' ? HOSTILE : value,
    ]);
    const granted = await client.post(action, form);
    assert.equal(granted.statusCode, 303);
    const id = String(granted.headers.location).split('/')[2];
    const pages = [
      review,
      await client.get(`/connected-systems/add?search=${encodeURIComponent(`N${HOSTILE}`)}`),
      await client.get(`/connected-systems/add?search=${encodeURIComponent(HOSTILE)}`),
      await client.get(`/connected-systems?search=${encodeURIComponent(HOSTILE)}`),
      ...(await Promise.all(
        ['', '/granted', '/revoke', '/suspend', '/resume'].map((rest) =>
          client.get(`/connected-systems/${id}${rest}`),
        ),
      )),
      await client.follow(await client.post(`/connected-systems/${id}/suspend`, { reason: HOSTILE })),
      await client.follow(await client.post(`/connected-systems/${id}/revoke`, { reason: HOSTILE })),
      await client.get('/connected-systems'),
      await client.get(`/connected-systems/${id}`),
    ];
    for (const page of pages) {
      assert.equal(page.statusCode, 200, page.body.slice(0, 300));
      assert.doesNotMatch(page.body, /<script>alert|href="javascript:/i);
      assert.match(page.body, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
      assert.doesNotMatch(page.body, /"'49&amp;|>49</);
      assert.deepEqual(await htmlProblems(page.body), []);
    }
  });
});
