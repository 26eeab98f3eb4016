import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import {
  goThrough,
  type IdentityProvider,
  identityProvider,
  PLAIN,
  registerProvider,
  tie,
} from '../../test/support/identity-provider.ts';
import { type LaunchApp, launchApp, launchWorld, signedInTo } from '../../test/support/launch-app.ts';
import { CONNECT, copyableValue, linkWriter, setUpLink } from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { addStaff, PASSWORD } from '../../test/support/sign-in-app.ts';
import { codeAt } from '../sign-in/index.ts';

describe('connecting a clinical system takes two factors', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let link: Awaited<ReturnType<typeof linkWriter>>;
  let harbour: IdentityProvider;
  let browser: PageClient;

  before(async () => {
    db = await testDatabase();
    world = await launchWorld(db.database);
    await addStaff(db.database, {
      email: 'nia@example.org',
      name: 'Nia New',
      roles: [[world.harbour, 'professional']],
    });
    app = await launchApp(db.database, { providers: PLAIN });
    const { keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'));
    link = await linkWriter(app, db, keyId);
    harbour = await identityProvider('ZX1');
    const providerId = await registerProvider(db.database, harbour);
    await tie(db.database, providerId, 'pat-there', 'pat@example.org');
  });
  after(async () => {
    await harbour?.stop();
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    for (const table of [
      'launch_pairing_device',
      'launch_pairing',
      'launch_request',
      'launch_use',
      'launch_credential',
      'attempt',
    ])
      await db.database.owner.query(`delete from ${table}`);
    await db.database.owner.query(`update account set totp_secret = null where email = 'nia@example.org'`);
    browser = app.client();
  });

  const pairings = async () => (await db.database.owner.query('select account_id from launch_pairing')).rows;

  it('a password alone does not, whatever is sent; setting up a second step leads back to the record', async () => {
    await browser.get(link({ userName: 'nnew01' }));
    const next = /name="next" value="([^"]+)"/.exec((await browser.get(CONNECT)).body)![1]!;
    const signedIn = await browser.post('/sign-in', { email: 'nia@example.org', password: PASSWORD, next });
    assert.equal(signedIn.headers.location, next);
    const page = await browser.get(next);
    assert.match(textOf(page.body), /You are signed in as Nia New with your password alone/);
    assert.deepEqual(await htmlProblems(page.body), []);
    const tried = await browser.post(CONNECT);
    assert.equal(tried.headers.location, CONNECT);
    assert.deepEqual(await pairings(), []);

    const setUp = /href="(\/sign-in\/set-up-code[^"]+)"/.exec(page.body)![1]!;
    const offer = await browser.get(setUp);
    const secret = /id="setup-key">([A-Z2-7 ]+)</.exec(offer.body)![1]!.replaceAll(' ', '');
    const code = codeAt(secret, app.clock.now);
    const enrolled = await browser.post('/sign-in/set-up-code', { code, next });
    assert.equal(enrolled.headers.location, next);
    assert.match(
      textOf((await browser.get(next)).body),
      /You are signed in as Nia New\. Connect only your own/,
    );
    assert.match(String((await browser.post(CONNECT)).headers.location), /^\/record\?/);
    assert.equal((await pairings()).length, 1);
  });

  it('nor does a password make the codes that stand for both', async () => {
    const nia = await signedInTo(app, 'nia@example.org');
    const page = await nia.get('/account/systmone');
    assert.match(textOf(page.body), /set up a second step for signing in, once/);
    assert.deepEqual(await htmlProblems(page.body), []);
    const refused = await nia.post('/account/systmone/codes');
    assert.equal(refused.statusCode, 403);
    assert.match(textOf(refused.body), /Set up sign-in codes first/);
    const { rows } = await db.database.owner.query('select 1 from launch_credential');
    assert.equal(rows.length, 0);
  });

  it('nor does a session that was left open: neither a connection nor codes come of it', async () => {
    const pat = await signedInTo(app, 'pat@example.org');
    app.later(901);
    await pat.get(link());
    const page = await pat.get(CONNECT);
    assert.equal(page.statusCode, 200);
    assert.match(textOf(page.body), /You signed in here some time ago, so show once more that it is you/);
    assert.match(page.body, /name="password"/);
    assert.match(page.body, /href="\/sign-in\/with\/ZX1\?[^"]*again=yes"/);
    assert.equal((await pat.post(CONNECT)).headers.location, CONNECT);
    const account = await pat.get('/account/systmone');
    assert.match(textOf(account.body), /To make codes, sign in once more/);
    assert.deepEqual(await htmlProblems(account.body), []);
    const again = '/sign-in?again=yes&next=%2Faccount%2Fsystmone';
    assert.equal((await pat.post('/account/systmone/codes')).headers.location, again);
    const { rows } = await db.database.owner.query('select 1 from launch_credential where ended_at is null');
    assert.deepEqual([await pairings(), rows], [[], []]);

    await pat.get(again);
    await pat.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: '/account/systmone' });
    await pat.get('/account/systmone');
    assert.equal((await pat.post('/account/systmone/codes')).statusCode, 200);
  });

  it('codes end with the password of the time they were made', async () => {
    const pat = await signedInTo(app, 'pat@example.org');
    await pat.get('/account/systmone');
    const made = await pat.post('/account/systmone/codes');
    const [first, second] = ['first-code', 'second-code'].map((id) => copyableValue(made.body, id));
    await db.database.owner.query(
      `update account set password_hash = password_hash || ' ' where email = 'pat@example.org'`,
    );
    try {
      await browser.get(link());
      await browser.get(CONNECT);
      const typed = await browser.post(`${CONNECT}/codes`, { first: first!, second: second! });
      assert.equal(typed.statusCode, 422);
    } finally {
      await db.database.owner.query('update account set password_hash = trim(password_hash)');
    }
  });

  it("the organisation's sign-in does, by one link on the page, and opens the record", async () => {
    harbour.nextIs({ subject: 'pat-there', amr: ['pwd', 'mfa'] });
    await browser.get(link());
    const page = await browser.get(CONNECT);
    assert.deepEqual(await htmlProblems(page.body), []);
    const href = /href="\/sign-in\/with\/ZX1\?([^"]+)"/.exec(page.body)![1]!.replaceAll('&amp;', '&');
    const back = await browser.get(await goThrough(browser, 'ZX1', { query: href }));
    assert.match(String(back.headers.location), /^\/systmone\/connect\?launch=/);
    const ready = await browser.get(String(back.headers.location));
    assert.match(textOf(ready.body), /You are signed in as Pat Smith/);
    assert.match(String((await browser.post(CONNECT)).headers.location), /^\/record\?/);
    assert.deepEqual(await pairings(), [{ account_id: world.pat }]);

    await browser.get('/account/systmone');
    assert.equal((await browser.post('/account/systmone/codes')).statusCode, 200);
  });

  it("the organisation's sign-in without a second step does not", async () => {
    harbour.nextIs({ subject: 'pat-there', amr: ['pwd'] });
    await browser.get(link());
    await browser.get(CONNECT);
    const back = await browser.get(await goThrough(browser, 'ZX1', { query: 'next=%2Fsystmone%2Fconnect' }));
    assert.match(String(back.headers.location), /refused\/no-second-factor/);
    assert.equal((await browser.post(CONNECT)).headers.location, CONNECT);
    assert.deepEqual(await pairings(), []);
  });

  it("another organisation's sign-in does not, though the account has a role here as well", async () => {
    const moor = await identityProvider('ZX2');
    try {
      const id = await registerProvider(db.database, moor);
      await db.database.owner.query(
        `insert into staff_role (account_id, organisation_id, role) values ($1, $2, 'professional')`,
        [world.pat, world.moor],
      );
      await tie(db.database, id, 'pat-at-moor', 'pat@example.org');
      moor.nextIs({ subject: 'pat-at-moor', amr: ['mfa'] });
      await browser.get(link());
      const back = await browser.get(
        await goThrough(browser, 'ZX2', { query: 'next=%2Fsystmone%2Fconnect' }),
      );
      assert.equal(back.headers.location, CONNECT);
      const page = await browser.get(CONNECT);
      assert.match(textOf(page.body), /has no role in Harbour Trust/);
      assert.equal((await browser.post(CONNECT)).headers.location, CONNECT);
      assert.deepEqual(await pairings(), []);
    } finally {
      await db.database.owner.query('delete from staff_role where account_id = $1 and organisation_id = $2', [
        world.pat,
        world.moor,
      ]);
      await moor.stop();
    }
  });

  it('after a link that was used elsewhere, whoever is signed in at the organisation is asked anew', async () => {
    const first = app.client('192.0.2.1');
    await first.get(link());
    await first.get(CONNECT);
    await first.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    await first.get(CONNECT);
    await first.post(CONNECT);
    const stranger = app.client('192.0.2.2');
    await stranger.get(link());
    const same = await stranger.get(CONNECT);
    assert.equal(same.statusCode, 200);
    assert.match(same.body, /href="\/sign-in\/with\/ZX1\?/);
    assert.doesNotMatch(same.body, /again=yes/, 'which tells nobody else that it was used');
    const pat = await signedInTo(app, 'pat@example.org');
    app.later(1);
    await pat.get(link());
    const page = await pat.get(CONNECT);
    assert.equal(page.statusCode, 409);
    assert.match(page.body, /href="\/sign-in\/with\/ZX1\?[^"]*again=yes"/);
  });
});
