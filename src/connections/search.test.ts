import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionPages } from '../../test/support/connections-app.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

const HOSTILE = `<script>alert(1)</script>"'{{ 7*7 }}&amp;`;

describe('the search for a system', () => {
  const t = connectionPages();

  const results = async (search: string, person = t.administrator) => {
    const client = await t.app.signedIn(person);
    const page = await client.get(`/connected-systems/add?search=${encodeURIComponent(search)}`);
    assert.deepEqual(await htmlProblems(page.body), []);
    return page;
  };
  const found = async (search: string) =>
    [...(await results(search)).body.matchAll(/href="\/connected-systems\/add\/([^"]+)"/g)].map(
      ([, id]) => id,
    );

  it('finds a system by its name, its company or its client ID, forgiving case and white space alone', async () => {
    const clientId = await t.app.world.system({
      clientId: 'Kiosk-One.abc',
      name: 'Kiosk One  Plus',
      company: 'Kiosk Makers Ltd',
    });
    for (const exact of [
      'Kiosk One Plus',
      '  kiosk\tONE \u00a0plus ',
      'KIOSK MAKERS LTD',
      'kiosk-one.abc',
      ' Kiosk-One.abc ',
    ]) {
      assert.deepEqual(await found(exact), [clientId], exact);
    }
    for (const near of [
      'Kiosk One',
      'Kiosk One Plus.',
      'KioskOnePlus',
      'Kiosk One Pluss',
      'Kiosk',
      'one-abc',
      'Kiosk-One_abc',
    ]) {
      assert.deepEqual(await found(near), [], near);
    }
  });

  it('takes no pattern for a name', async () => {
    await t.app.world.system({ name: 'Pattern' });
    for (const pattern of [
      '%',
      '_',
      'Patt%',
      'P_ttern',
      '*',
      '.*',
      'Patt.*',
      '^pattern$',
      `' or '1'='1`,
      '\\',
    ]) {
      assert.deepEqual(await found(pattern), [], pattern);
    }
  });

  it('lists every live system of a company', async () => {
    const one = await t.app.world.system({ name: 'B of many', company: 'Many Ltd' });
    const two = await t.app.world.system({ name: 'A of many', company: 'Many Ltd' });
    await t.app.world.system({ name: 'C of many', company: 'Many Ltd', standing: 'draft' });
    assert.deepEqual(await found('many ltd'), [two, one]);
  });

  it('answers a system that is not live exactly as one that does not exist', async () => {
    for (const standing of ['draft', 'in-review', 'suspended'] as const) {
      await t.app.world.system({ clientId: `hidden-${standing}`, name: `Hidden ${standing}`, standing });
    }
    const plain = async (search: string) =>
      (await results(search)).body.replaceAll(search, 'SEARCH').replace(/value="[\w-]{43}"/g, '');
    const unknown = await plain('No such system');
    for (const standing of ['draft', 'in-review', 'suspended']) {
      assert.equal(await plain(`Hidden ${standing}`), unknown);
      assert.equal(await plain(`hidden-${standing}`), unknown);
    }
  });

  it('answers the review page of a system that is not live exactly as of one that does not exist', async () => {
    await t.app.world.system({ clientId: 'hidden-review', standing: 'suspended' });
    const client = await t.app.signedIn(t.administrator);
    const pages = await Promise.all(
      ['hidden-review', 'no-such-client', 'x%00y', HOSTILE].map((id) =>
        client.get(`/connected-systems/add/${encodeURIComponent(id)}`),
      ),
    );
    for (const page of pages) {
      assert.equal(page.statusCode, 404);
      assert.equal(page.body, pages[0]!.body);
      assert.match(textOf(page.body), /No third-party system found/);
    }
  });

  it('asks for something to search for, and refuses what no name can be', async () => {
    for (const search of ['', '   ', 'x'.repeat(201), 'a\0b']) {
      const page = await results(search);
      assert.equal(page.statusCode, 422, JSON.stringify(search));
      assert.match(page.body, /<title>Error: /);
    }
  });

  it('stops a person who guesses, with when to try again, and then finds nothing for them either', async () => {
    const clientId = await t.app.world.system({ name: 'Guessed right' });
    const client = await t.app.signedIn(t.administrator);
    let status = 200;
    for (let tries = 0; status === 200 && tries < 40; tries++) {
      status = (await client.get(`/connected-systems/add?search=guess${tries}`)).statusCode;
    }
    const refused = await client.get('/connected-systems/add?search=Guessed+right');
    assert.equal(refused.statusCode, 429);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.match(textOf(refused.body), /Too many searches/);
    assert.equal(
      (await client.get(`/connected-systems/add/${clientId}`)).statusCode,
      429,
      'by its address too',
    );
    assert.equal(t.app.audit.at(-1)!.outcome, 'too-many-attempts');
    const colleague = await t.app.signedIn(await t.app.world.staff(t.organisation.id));
    assert.equal((await colleague.get('/connected-systems/add?search=Guessed+right')).statusCode, 200);
  });

  it('counts guessed addresses of review pages, and not those that are right', async () => {
    const clientId = await t.app.world.system();
    const client = await t.app.signedIn(t.administrator);
    for (let n = 0; n < 30; n++) {
      assert.equal((await client.get(`/connected-systems/add/${clientId}`)).statusCode, 200);
    }
    let status = 404;
    for (let n = 0; status === 404 && n < 40; n++) {
      status = (await client.get(`/connected-systems/add/guess-${n}`)).statusCode;
    }
    assert.equal(status, 429);
  });

  it('says of a system found whether the organisation is or was connected to it', async () => {
    const clientId = await t.app.world.system({ name: 'Seen before' });
    const { client, connectionId } = await t.grantByPages(clientId);
    const active = await results('Seen before');
    assert.match(textOf(active.body), /Already has access, granted by Ada Min on \d+/);
    assert.doesNotMatch(active.body, /connected-systems\/add\//);
    await client.get(`/connected-systems/${connectionId}/revoke`);
    await client.post(`/connected-systems/${connectionId}/revoke`);
    assert.match(
      textOf((await results('Seen before')).body),
      /Had access that was revoked by Ada Min on \d+/,
    );
  });
});
