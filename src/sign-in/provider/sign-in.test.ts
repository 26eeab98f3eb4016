import assert from 'node:assert/strict';
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
import { type SignInApp, signedIn, signInApp, signInWorld } from '../../../test/support/sign-in-app.ts';
import { removeProvider, setProvider } from './set-provider.ts';

const MFA = ['pwd', 'mfa'];

describe('signing in with the organisation', () => {
  let db: TestDatabase;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let service: SignInApp;
  let harbour: IdentityProvider;
  let moor: IdentityProvider;
  let providerId: string;
  let browser: PageClient;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
    service = await signInApp(db.database, { providers: PLAIN });
    harbour = await identityProvider('ZX1');
    moor = await identityProvider('ZX2');
  });
  after(async () => {
    await harbour?.stop();
    await moor?.stop();
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await world.forget();
    await forgetProviders(db.database);
    await db.database.owner.query('update staff_role set ended_at = null');
    providerId = await registerProvider(db.database, harbour);
    await tie(db.database, providerId, 'pat-there', 'pat@example.org');
    harbour.nextIs({ subject: 'pat-there', amr: MFA });
    service.audit.length = 0;
    browser = service.client();
  });

  /** What the browser is told in the end: the code of the refusal and its page. */
  async function refusedWith(callback: string, client = browser) {
    const answer = await client.get(callback);
    assert.equal(answer.statusCode, 303, answer.body);
    const location = String(answer.headers.location);
    const page = await client.get(location);
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.equal((await client.get('/work')).statusCode, 303, 'nobody is signed in');
    const told = service.audit.at(-1)!;
    assert.equal(told.outcome, 'failure');
    assert.equal(told.action, 'sign-in-with-organisation');
    return { code: /refused\/([\w-]+)/.exec(location)?.[1], page, told };
  }

  it('opens what was asked for, with a second factor, a new session, and a record of it', async () => {
    const callback = await goThrough(browser, 'ZX1');
    const back = await browser.get(callback);
    assert.equal(back.headers.location, '/work');
    const staff = (await browser.get('/work')).json();
    assert.equal(staff.email, 'pat@example.org');
    assert.equal(staff.secondFactor, true);
    assert.equal(staff.organisationId, world.harbour);
    const told = service.audit.at(-1)!;
    assert.equal(told.outcome, 'success');
    assert.equal(told.accountId, staff.accountId);
    assert.equal(told.organisationId, world.harbour);
    assert.doesNotMatch(JSON.stringify(service.audit), /pat-there|there\.example/);
    const asked = harbour.asked.at(-1)!.searchParams;
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.ok(asked.get('state') && asked.get('nonce'));
  });

  it('is offered on the sign-in page by the code of the organisation, and from then on by its name', async () => {
    const first = await browser.get('/sign-in?next=%2Fwork');
    assert.match(first.body, /href="\/sign-in\/organisation\?next=%2Fwork"/);
    assert.doesNotMatch(first.body, /Sign in with Harbour Trust/);
    const unknown = await browser.get('/sign-in/organisation?next=%2Fwork&code=ZX2');
    assert.match(textOf(unknown.body), /No organisation with this code/);
    const found = await browser.get('/sign-in/organisation?next=%2Fwork&code=+zx1');
    assert.match(found.body, /href="\/sign-in\/with\/ZX1\?next=%2Fwork"/);
    for (const page of [first, unknown, found]) assert.deepEqual(await htmlProblems(page.body), []);

    await browser.get(await goThrough(browser, 'ZX1'));
    await browser.get('/account');
    const out = await browser.follow(await browser.post('/sign-out'));
    assert.match(textOf(out.body), /You may still be signed in to your organisation/);
    assert.match(out.body, /href="\/sign-in\/with\/ZX1\?next=%2F"/);
  });

  it('is not offered where no organisation has a sign-in of its own', async () => {
    await db.database.owner.query('update identity_provider set ended_at = now()');
    const page = await browser.get('/sign-in');
    assert.doesNotMatch(page.body, /sign-in\/organisation/);
    assert.equal((await browser.get('/sign-in/with/ZX1')).statusCode, 404);
    assert.equal((await browser.get('/sign-in/with/NONE1')).statusCode, 404);
  });

  it('ends the session there was, whose id is worth nothing from then on', async () => {
    const visitor = await signedIn(service, 'two@example.org');
    const planted = visitor.cookies.get('session')!;
    await visitor.get(await goThrough(visitor, 'ZX1'));
    assert.notEqual(visitor.cookies.get('session'), planted);
    assert.equal((await visitor.get('/work')).json().email, 'pat@example.org');
    const stranger = service.client();
    stranger.cookies.set('session', planted);
    assert.equal((await stranger.get('/work')).headers.location, '/sign-in?next=%2Fwork');
  });

  it('leads nowhere but to pages of the service', async () => {
    for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example', '/sign-in/with/ZX1']) {
      const callback = await goThrough(browser, 'ZX1', { query: new URLSearchParams({ next }).toString() });
      assert.equal((await browser.get(callback)).headers.location, '/', next);
    }
  });

  describe('is refused', () => {
    it('without a second factor, and the person can try again, asked anew', async () => {
      for (const amr of [undefined, ['pwd'], ['MFA'], ['mfa2']]) {
        harbour.nextIs({ subject: 'pat-there', amr });
        const { code, page, told } = await refusedWith(await goThrough(browser, 'ZX1'));
        assert.equal(code, 'no-second-factor');
        assert.equal(page.statusCode, 403);
        assert.equal(told.details?.reason, 'no-second-factor');
        const again = /href="(\/sign-in\/with\/ZX1\?[^"]+)"/.exec(page.body)![1]!.replaceAll('&amp;', '&');
        assert.match(again, /next=%2Fwork&again=yes/);
        const asked = await browser.get(again);
        assert.equal(new URL(String(asked.headers.location)).searchParams.get('prompt'), 'login');
      }
    });

    it('without the acr that the organisation shows it with, which it is asked for', async () => {
      const levels = await identityProvider('ZX1', { acrValues: ['urn:two', 'urn:one'] });
      try {
        const id = await registerProvider(db.database, levels, { claim: 'acr', values: ['urn:two'] });
        await tie(db.database, id, 'pat-there', 'pat@example.org');
        levels.nextIs({ subject: 'pat-there', acr: 'urn:one', amr: ['mfa', 'urn:two'] });
        assert.equal((await refusedWith(await goThrough(browser, 'ZX1'))).code, 'no-second-factor');
        assert.equal(levels.asked.at(-1)!.searchParams.get('acr_values'), 'urn:two');
        levels.nextIs({ subject: 'pat-there', acr: 'urn:two' });
        assert.equal((await browser.get(await goThrough(browser, 'ZX1'))).headers.location, '/work');
      } finally {
        await levels.stop();
      }
    });

    it('when the person cancels', async () => {
      harbour.nextIs({ error: 'access_denied' });
      const { code, page } = await refusedWith(await goThrough(browser, 'ZX1'));
      assert.equal(code, 'cancelled');
      assert.match(textOf(page.body), /You did not finish signing in/);
    });

    it('when the provider says so or has a fault', async () => {
      harbour.nextIs({ error: 'interaction_required' });
      assert.equal((await refusedWith(await goThrough(browser, 'ZX1'))).code, 'refused-there');
      harbour.nextIs({ error: 'temporarily_unavailable' });
      const { code, page } = await refusedWith(await goThrough(browser, 'ZX1'));
      assert.equal(code, 'away');
      assert.equal(page.statusCode, 503);
      assert.ok(page.headers['retry-after']);
    });

    it('when the provider does not answer, at the start and in the middle', async () => {
      const brief = await identityProvider('ZX1');
      await registerProvider(db.database, brief);
      brief.nextIs({ subject: 'pat-there', amr: MFA });
      const callback = await goThrough(browser, 'ZX1');
      await brief.stop();
      assert.equal((await refusedWith(callback)).code, 'away');
      await registerProvider(db.database, brief, { claim: 'amr', values: ['mfa', 'otp'] });
      const { code, told } = await refusedWith('/sign-in/with/ZX1');
      assert.equal(code, 'away');
      assert.equal(told.organisationId, world.harbour);
    });

    it('when the role has ended, and the session with it', async () => {
      await browser.get(await goThrough(browser, 'ZX1'));
      assert.equal((await browser.get('/work')).statusCode, 200);
      await db.database.owner.query('update staff_role set ended_at = now() where organisation_id = $1', [
        world.harbour,
      ]);
      assert.equal((await browser.get('/work')).statusCode, 303);
      assert.equal((await refusedWith(await goThrough(browser, 'ZX1'))).code, 'no-role');
    });

    it('when the account is disabled', async () => {
      const callback = await goThrough(browser, 'ZX1');
      await db.database.owner.query(`update account set disabled_at = now() where email = 'pat@example.org'`);
      try {
        assert.equal((await refusedWith(callback)).code, 'no-role');
      } finally {
        await db.database.owner.query('update account set disabled_at = null');
      }
    });

    it('after too many that came to nothing from one network', async () => {
      const far = service.client('192.0.2.9');
      harbour.nextIs({ error: 'access_denied' });
      await far.get(await goThrough(far, 'ZX1'));
      await db.database.owner.query(
        `update attempt set failures = 299 where purpose = 'organisation-sign-in'`,
      );
      await far.get(await goThrough(far, 'ZX1'));
      harbour.nextIs({ subject: 'pat-there', amr: MFA });
      const { code, page } = await refusedWith('/sign-in/with/ZX1', far);
      assert.equal(code, 'too-many-attempts');
      assert.equal(page.statusCode, 429);
      assert.equal((await browser.get(await goThrough(browser, 'ZX1'))).headers.location, '/work');
    });
  });

  describe('counts for one organisation alone', () => {
    beforeEach(async () => {
      await tie(db.database, providerId, 'two-there', 'two@example.org');
      harbour.nextIs({ subject: 'two-there', amr: MFA });
    });

    it('whatever roles the account has elsewhere', async () => {
      await browser.get(await goThrough(browser, 'ZX1'));
      const staff = (await browser.get('/work')).json();
      assert.equal(staff.organisationId, world.harbour);
      assert.deepEqual(
        staff.roles.map(({ organisationId }: { organisationId: string }) => organisationId),
        [world.harbour],
      );
      await browser.get('/account/organisation');
      const moved = await browser.post('/account/organisation', { organisation: world.moor });
      assert.equal(moved.statusCode, 422);
      assert.equal((await browser.get('/work')).json().organisationId, world.harbour);
    });

    it('and is of no use once the role there has ended, though another is left', async () => {
      await browser.get(await goThrough(browser, 'ZX1'));
      await db.database.owner.query('update staff_role set ended_at = now() where organisation_id = $1', [
        world.harbour,
      ]);
      assert.equal((await browser.get('/work')).statusCode, 303);
      assert.equal((await refusedWith(await goThrough(browser, 'ZX1'))).code, 'no-role');
    });

    it("so that another organisation's provider with the same subject signs nobody in", async () => {
      await registerProvider(db.database, moor);
      moor.nextIs({ subject: 'two-there', amr: MFA });
      const back = await browser.get(await goThrough(browser, 'ZX2'));
      assert.equal(back.headers.location, '/sign-in/not-connected');
      assert.equal((await browser.get('/work')).statusCode, 303);
    });
  });

  describe('ends', () => {
    it('with the provider, at once, for those who are signed in as well', async () => {
      await browser.get(await goThrough(browser, 'ZX1'));
      const waiting = service.client();
      const callback = await goThrough(waiting, 'ZX1');
      const { ended } = await removeProvider(db.database.owner, 'ZX1', new Date());
      assert.equal(ended, 1);
      assert.equal((await browser.get('/work')).statusCode, 303);
      assert.equal((await refusedWith(callback, waiting)).code, 'start-again');
    });

    it('for everybody when another provider takes its place, and for nobody when its secret changes', async () => {
      await browser.get(await goThrough(browser, 'ZX1'));
      await registerProvider(db.database, harbour, { claim: 'amr', values: ['mfa', 'otp'] });
      assert.equal((await browser.get('/work')).statusCode, 200);
      const client = await db.database.owner.connect();
      try {
        const details = {
          odsCode: 'ZX1',
          issuer: harbour.issuer,
          clientId: 'another',
          clientSecret: 'another secret',
          secondFactor: { claim: 'amr' as const, values: ['mfa'] },
        };
        const { change, ended } = await setProvider(client, Buffer.alloc(32, 7), details, new Date());
        assert.deepEqual([change, ended], ['replaced', 1]);
      } finally {
        client.release();
      }
      assert.equal((await browser.get('/work')).statusCode, 303);
    });
  });

  it('keeps the client secret so that the database alone does not tell it', async () => {
    const { rows } = await db.database.owner.query('select sealed_secret from identity_provider');
    assert.equal(rows[0].sealed_secret.includes('a client secret of tests'), false);
  });
});
