import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import {
  forgetProviders,
  goThrough,
  type IdentityProvider,
  identityProvider,
  PLAIN,
  registerProvider,
  tie,
} from '../../../test/support/identity-provider.ts';
import { type PageClient, textOf } from '../../../test/support/page-client.ts';
import {
  PASSWORD,
  type SignInApp,
  signedIn,
  signInApp,
  signInWorld,
} from '../../../test/support/sign-in-app.ts';
import { newRootId } from '../../ids.ts';
import { codeAt } from '../totp.ts';
import { connectIdentity } from './store.ts';

const PAGE = '/account/organisation-sign-in';

describe("connecting an organisation's sign-in with an account", () => {
  let db: TestDatabase;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let service: SignInApp;
  let harbour: IdentityProvider;
  let providerId: string;
  let browser: PageClient;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
    service = await signInApp(db.database, { providers: PLAIN });
    harbour = await identityProvider('ZX1');
  });
  after(async () => {
    await harbour?.stop();
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await world.forget();
    await forgetProviders(db.database);
    await db.database.owner.query(
      `update account set totp_secret = null where email not in ('ada@example.org')`,
    );
    providerId = await registerProvider(db.database, harbour);
    harbour.nextIs({ subject: 'someone-there', amr: ['mfa'] });
    service.audit.length = 0;
    browser = service.client();
  });

  /** Signs in at the organisation as somebody whom no account is tied to. */
  async function unknown(client: PageClient) {
    const back = await client.get(await goThrough(client, 'ZX1'));
    return String(back.headers.location);
  }

  async function withPassword(client: PageClient, email: string) {
    await client.get('/sign-in');
    return client.post('/sign-in', { email, password: PASSWORD, next: PAGE });
  }

  async function withCode(client: PageClient) {
    service.later(30);
    await client.get('/sign-in/code');
    return client.post('/sign-in/code', { code: service.code(), next: PAGE });
  }

  /** What the button sends of a page that shows with what an account would be connected. */
  const wantedOn = ({ body }: { body: string }) => ({
    wanted: /name="wanted" value="([0-9a-f]{16})"/.exec(body)?.[1] ?? '',
  });
  const identities = async () =>
    (await db.database.owner.query('select subject from staff_identity')).rows.map(({ subject }) => subject);

  it('ties nothing in the name of a session that has ended since it was looked at', async () => {
    const { rows } = await db.database.owner.query(`select id from account where email = 'ada@example.org'`);
    const ada = await signedIn(service, 'ada@example.org');
    const sessionHash = createHash('sha256').update(ada.cookies.get('session')!).digest();
    const now = service.clock.now;
    const who = { providerId, subject: 'someone-there', label: null, accountId: rows[0].id, sessionHash };
    const connect = () => connectIdentity(db.database.service, { id: newRootId(), now, ...who });
    await db.database.owner.query('update staff_session set ended_at = now()');
    assert.equal(await connect(), 'gone');
    assert.deepEqual(await identities(), []);
    await db.database.owner.query('update staff_session set ended_at = null');
    assert.equal(await connect(), 'connected');
  });

  it('takes signing in there, here with password and code, and saying that both are one person', async () => {
    assert.equal(await unknown(browser), '/sign-in/not-connected');
    const page = await browser.get('/sign-in/not-connected');
    assert.match(textOf(page.body), /We do not know yet which account here is yours/);
    assert.deepEqual(await htmlProblems(page.body), []);
    await withPassword(browser, 'ada@example.org');
    assert.equal((await withCode(browser)).headers.location, PAGE);
    const ask = await browser.get(PAGE);
    assert.match(textOf(ask.body), /At Harbour Trust someone-there@there\.example\.org Here Pat Smith/);
    assert.deepEqual(await htmlProblems(ask.body), []);
    const done = await browser.post(`${PAGE}/connect`, wantedOn(ask));
    assert.equal(done.headers.location, '/work');
    assert.deepEqual(
      service.audit
        .filter(({ action }) => action.includes('organisation-sign-in') || action.includes('with-org'))
        .map(({ action, outcome }) => [action, outcome]),
      [
        ['sign-in-with-organisation', 'failure'],
        ['connect-organisation-sign-in', 'success'],
      ],
    );

    const later = service.client();
    assert.equal((await later.get(await goThrough(later, 'ZX1'))).headers.location, '/work');
    assert.equal((await later.get('/work')).json().email, 'ada@example.org');
    const shown = await later.get(PAGE);
    assert.match(textOf(shown.body), /You there someone-there@there\.example\.org/);
    assert.deepEqual(await htmlProblems(shown.body), []);
  });

  it('leads somebody without a second step to setting one up first', async () => {
    await unknown(browser);
    assert.equal((await withPassword(browser, 'pat@example.org')).headers.location, PAGE);
    const needed = await browser.get(PAGE);
    assert.match(textOf(needed.body), /your account here needs a second step as well/);
    assert.deepEqual(await htmlProblems(needed.body), []);
    assert.equal((await browser.post(`${PAGE}/connect`)).headers.location, PAGE);
    const { rows } = await db.database.owner.query('select 1 from staff_identity');
    assert.equal(rows.length, 0, 'nothing is connected');

    const offer = await browser.get(`/sign-in/set-up-code?next=${encodeURIComponent(PAGE)}`);
    const secret = /id="setup-key">([A-Z2-7 ]+)</.exec(offer.body)![1]!.replaceAll(' ', '');
    const code = codeAt(secret, service.clock.now);
    assert.equal((await browser.post('/sign-in/set-up-code', { code, next: PAGE })).headers.location, PAGE);
    const ready = await browser.get(PAGE);
    assert.equal((await browser.post(`${PAGE}/connect`, wantedOn(ready))).headers.location, '/work');
  });

  it('is not done by arriving: the form must be sent, and from this service', async () => {
    await withPassword(browser, 'ada@example.org');
    await withCode(browser);
    assert.equal(await unknown(browser), PAGE);
    const wanted = wantedOn(await browser.get(PAGE));
    const forged = await browser.post(`${PAGE}/connect`, wanted, { 'sec-fetch-site': 'cross-site' });
    assert.equal(forged.statusCode, 403);
    const { rows } = await db.database.owner.query('select 1 from staff_identity');
    assert.equal(rows.length, 0);
  });

  it('is not of another sign-in there than the page showed, with which another tab came back since', async () => {
    await withPassword(browser, 'ada@example.org');
    await withCode(browser);
    assert.equal(await unknown(browser), PAGE);
    const wanted = wantedOn(await browser.get(PAGE));
    harbour.nextIs({ subject: 'mallory-there', amr: ['mfa'] });
    assert.equal(await unknown(browser), PAGE);
    assert.equal((await browser.post(`${PAGE}/connect`, wanted)).headers.location, PAGE);
    assert.equal((await browser.post(`${PAGE}/connect`)).headers.location, PAGE);
    assert.deepEqual(await identities(), []);
    assert.match(textOf((await browser.get(PAGE)).body), /mallory-there@there\.example\.org/);
  });

  it('is not done in a session that was left open, but once more after signing in', async () => {
    await withPassword(browser, 'ada@example.org');
    await withCode(browser);
    service.later(901);
    assert.equal(await unknown(browser), PAGE);
    const left = await browser.get(PAGE);
    assert.match(textOf(left.body), /sign in once more with your email address/);
    assert.deepEqual(await htmlProblems(left.body), []);
    const again = /href="(\/sign-in\?again[^"]+)"/.exec(left.body)![1]!.replaceAll('&amp;', '&');
    const form = await browser.get(again);
    assert.match(textOf(form.body), /Sign in again .*show once more that it is you/);
    assert.match(form.body, /value="ada@example\.org"/);
    assert.deepEqual(await htmlProblems(form.body), []);
    await browser.post('/sign-in', { email: 'ada@example.org', password: PASSWORD, next: PAGE });
    await withCode(browser);
    const ready = await browser.get(PAGE);
    const before = await identities();
    assert.equal((await browser.post(`${PAGE}/connect`, wantedOn(ready))).headers.location, '/work');
    assert.deepEqual([before, await identities()], [[], ['someone-there']]);
  });

  it('cannot be done in a session that an organisation vouched for', async () => {
    await tie(db.database, providerId, 'two-there', 'two@example.org');
    harbour.nextIs({ subject: 'two-there', amr: ['mfa'] });
    await browser.get(await goThrough(browser, 'ZX1'));
    const moor = await identityProvider('ZX2');
    try {
      await registerProvider(db.database, moor);
      moor.nextIs({ subject: 'mallory-there', amr: ['mfa'] });
      assert.equal(String((await browser.get(await goThrough(browser, 'ZX2'))).headers.location), PAGE);
      const page = await browser.get(PAGE);
      assert.match(textOf(page.body), /sign in once more with your email address/);
      assert.equal((await browser.post(`${PAGE}/connect`)).headers.location, PAGE);
      const { rows } = await db.database.owner.query('select subject from staff_identity');
      assert.deepEqual(rows, [{ subject: 'two-there' }]);
    } finally {
      await moor.stop();
    }
  });

  it('is over after a quarter of an hour, and when the provider was removed meanwhile', async () => {
    await unknown(browser);
    await withPassword(browser, 'ada@example.org');
    await withCode(browser);
    const wanted = wantedOn(await browser.get(PAGE));
    await db.database.owner.query('update identity_provider set ended_at = now()');
    assert.equal((await browser.post(`${PAGE}/connect`, wanted)).headers.location, PAGE);
    await db.database.owner.query('update identity_provider set ended_at = null');
    service.later(901);
    assert.equal((await browser.post(`${PAGE}/connect`, wanted)).headers.location, PAGE);
    const { rows } = await db.database.owner.query('select 1 from staff_identity');
    assert.equal(rows.length, 0);
  });

  it('takes nobody else’s: neither a sign-in that has an account, nor for an account that has one, nor without a role', async () => {
    await unknown(browser);
    await withPassword(browser, 'ada@example.org');
    await withCode(browser);
    const wanted = wantedOn(await browser.get(PAGE));
    await tie(db.database, providerId, 'someone-there', 'pat@example.org');
    const taken = await browser.post(`${PAGE}/connect`, wanted);
    assert.equal(taken.statusCode, 409);
    await db.database.owner.query('delete from staff_identity');
    await tie(db.database, providerId, 'ada-there', 'ada@example.org');
    assert.equal((await browser.post(`${PAGE}/connect`, wanted)).statusCode, 409);

    const moor = await identityProvider('ZX2');
    try {
      await registerProvider(db.database, moor);
      moor.nextIs({ subject: 'ada-there-too', amr: ['mfa'] });
      await browser.get(await goThrough(browser, 'ZX2'));
      const gone = await browser.post(`${PAGE}/connect`, wantedOn(await browser.get(PAGE)));
      assert.equal(gone.statusCode, 409);
      assert.match(textOf(gone.body), /cannot be connected with your account/);
    } finally {
      await moor.stop();
    }
  });

  it('is ended by the person, with every session that came of it and no other', async () => {
    await tie(db.database, providerId, 'pat-there', 'pat@example.org');
    harbour.nextIs({ subject: 'pat-there', amr: ['mfa'] });
    await browser.get(await goThrough(browser, 'ZX1'));
    const own = await signedIn(service, 'pat@example.org');
    await own.get(PAGE);
    assert.equal((await own.post(`${PAGE}/end`)).headers.location, PAGE);
    assert.equal((await browser.get('/work')).statusCode, 303);
    assert.equal((await own.get('/work')).statusCode, 200);
    assert.equal(service.audit.at(-1)!.action, 'end-organisation-sign-in');
    assert.equal(await unknown(browser), '/sign-in/not-connected');
  });
});
