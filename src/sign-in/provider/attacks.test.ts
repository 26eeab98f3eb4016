import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import {
  forgetProviders,
  goThrough,
  type IdentityProvider,
  identityProvider,
  PLAIN,
  registerProvider,
  tie,
} from '../../../test/support/identity-provider.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { type SignInApp, signInApp, signInWorld } from '../../../test/support/sign-in-app.ts';

const MFA = ['pwd', 'mfa'];
const FLOW = 'organisation-sign-in';

describe('attacks on signing in with the organisation', () => {
  let db: TestDatabase;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let service: SignInApp;
  let harbour: IdentityProvider;
  let browser: PageClient;
  const started: IdentityProvider[] = [];

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
    service = await signInApp(db.database, { providers: PLAIN });
  });
  after(async () => {
    for (const provider of started) await provider.stop();
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await world.forget();
    await forgetProviders(db.database);
    harbour = await providerOf('ZX1', 'pat');
    service.audit.length = 0;
    browser = service.client();
  });

  /** A provider whose `subject` is tied to that person's account. */
  async function providerOf(odsCode: string, person: string) {
    const provider = await identityProvider(odsCode);
    started.push(provider);
    const id = await registerProvider(db.database, provider);
    await tie(db.database, id, `${person}-there`, `${person}@example.org`);
    provider.nextIs({ subject: `${person}-there`, amr: MFA });
    return provider;
  }

  async function refused(callback: string, expected: string, client = browser) {
    const answer = await client.get(callback);
    assert.match(String(answer.headers.location), new RegExp(`^/sign-in/refused/${expected}\\?`));
    assert.equal((await client.get('/work')).statusCode, 303, 'nobody is signed in');
    const told = service.audit.at(-1)!;
    assert.deepEqual([told.outcome, told.details?.reason], ['failure', expected]);
    return String(told.details?.code);
  }

  const changed = (path: string, change: (query: URLSearchParams) => void) => {
    const url = new URL(path, 'http://service.test');
    change(url.searchParams);
    return url.pathname + url.search;
  };

  describe('an answer', () => {
    it('counts once, even in a browser that keeps its cookie', async () => {
      const callback = await goThrough(browser, 'ZX1');
      const kept = browser.cookies.get(FLOW)!;
      assert.equal((await browser.get(callback)).headers.location, '/work');
      assert.equal(browser.cookies.has(FLOW), false);
      const again = service.client();
      await refused(callback, 'start-again', again);
      again.cookies.set(FLOW, kept);
      assert.equal(await refused(callback, 'not-right', again), 'token invalid_grant');
    });

    it('that another person began does not sign this browser in as them (login CSRF)', async () => {
      const attacker = service.client();
      const theirs = await goThrough(attacker, 'ZX1');
      assert.equal(await refused(theirs, 'start-again'), 'not-begun-here');
      await goThrough(browser, 'ZX1');
      assert.equal(await refused(theirs, 'start-again'), 'state-differs');
    });

    it('with another state or none is not looked at, and leaves the sign-in under way', async () => {
      const callback = await goThrough(browser, 'ZX1');
      await refused(
        changed(callback, (query) => query.set('state', 'x')),
        'start-again',
      );
      await refused(
        changed(callback, (query) => query.delete('state')),
        'start-again',
      );
      await refused(
        changed(callback, (query) => query.append('state', 'x')),
        'start-again',
      );
      assert.equal((await browser.get(callback)).headers.location, '/work');
    });

    it('to a question that was not ours (another nonce) is refused', async () => {
      const callback = await goThrough(browser, 'ZX1', {
        change: ({ searchParams }) => searchParams.set('nonce', 'of-the-attacker'),
      });
      assert.equal(await refused(callback, 'not-right'), 'OAUTH_JWT_CLAIM_COMPARISON_FAILED');
    });

    it('for another browser, by its code, is refused (PKCE)', async () => {
      const attacker = service.client();
      const theirs = new URL(await goThrough(attacker, 'ZX1'), 'http://service.test').searchParams;
      const callback = changed(await goThrough(browser, 'ZX1'), (query) =>
        query.set('code', theirs.get('code')!),
      );
      assert.equal(await refused(callback, 'not-right'), 'token invalid_grant');
    });

    it('with another issuer, or with none where one was announced, is refused (RFC 9207)', async () => {
      for (const change of [
        (query: URLSearchParams) => query.set('iss', 'https://evil.example'),
        (query: URLSearchParams) => query.delete('iss'),
      ]) {
        const callback = changed(await goThrough(browser, 'ZX1'), change);
        assert.equal(await refused(callback, 'not-right'), 'OAUTH_INVALID_RESPONSE');
      }
    });

    it('from the provider of another organisation is refused, whatever it says it is (mix-up)', async () => {
      const moor = await providerOf('ZX2', 'two');
      const before = await goThrough(browser, 'ZX2');
      await refused(before.replace('/ZX2/', '/ZX1/'), 'start-again');

      const theirs = new URL(await goThrough(service.client(), 'ZX2'), 'http://service.test').searchParams;
      const callback = changed(await goThrough(browser, 'ZX1'), (query) => {
        query.set('code', theirs.get('code')!);
      });
      assert.equal(await refused(callback, 'not-right'), 'token invalid_grant');
      moor.lies.set('/.well-known/openid-configuration', (body) => ({ ...body, issuer: harbour.issuer }));
      await registerProvider(db.database, moor, { claim: 'amr', values: ['mfa', 'otp'] });
      await refused('/sign-in/with/ZX2', 'away');
    });

    it('that nobody asked for, however often, keeps nobody in the same network from signing in', async () => {
      // As a picture on any web page could make each of its visitors' browsers send them.
      for (let sent = 0; sent < 301; sent++) await browser.get('/sign-in/with/ZX1/callback?state=x&code=y');
      assert.equal(service.audit.length, 301);
      assert.equal((await browser.get(await goThrough(browser, 'ZX1'))).headers.location, '/work');
    });

    it('that takes longer than a quarter of an hour is refused', async () => {
      const callback = await goThrough(browser, 'ZX1');
      service.later(901);
      assert.equal(await refused(callback, 'start-again'), 'not-begun-here');
    });

    it('that is a look at its head uses nothing up', async () => {
      const callback = await goThrough(browser, 'ZX1');
      const head = await service.app.inject({ method: 'HEAD', url: callback });
      assert.equal(head.statusCode, 404);
      assert.equal((await browser.get(callback)).headers.location, '/work');
    });
  });

  describe('a provider', () => {
    it('whose tokens are signed by another key signs nobody in', async () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const other = { ...publicKey.export({ format: 'jwk' }), kid: 'demo', alg: 'ES256', use: 'sig' };
      harbour.lies.set('/jwks', () => ({ keys: [other] }));
      assert.match(await refused(await goThrough(browser, 'ZX1'), 'not-right'), /^OAUTH_/);
    });

    for (const [what, claims] of [
      ['of no algorithm', { alg: 'none' }],
      ['for another client', { aud: 'another' }],
      ['of another issuer', { iss: 'https://evil.example' }],
      ['that has ended', { exp: 1_700_000_000 }],
    ] as const) {
      it(`whose token is ${what} signs nobody in`, async () => {
        harbour.lies.set('/token', (body) => ({ ...body, id_token: forged(String(body.id_token), claims) }));
        await refused(await goThrough(browser, 'ZX1'), 'not-right');
      });
    }

    it('that sends people to an address without TLS, or to a script, is not used', async () => {
      const strict = await signInApp(db.database, { providers: { ...PLAIN, isPlainHttp: () => false } });
      const answer = await strict.client().get('/sign-in/with/ZX1');
      assert.match(String(answer.headers.location), /refused\/away/);
      assert.equal(strict.audit[0]!.details?.code, 'OAUTH_HTTP_REQUEST_FORBIDDEN');
      await strict.app.close();
      harbour.lies.set('/.well-known/openid-configuration', (body) => ({
        ...body,
        authorization_endpoint: 'javascript:alert(1)',
      }));
      await registerProvider(db.database, harbour, { claim: 'amr', values: ['mfa', 'x'] });
      await refused('/sign-in/with/ZX1', 'away');
    });

    it('that names a person’s e-mail address does not become them', async () => {
      harbour.nextIs({ subject: 'ada@example.org', amr: MFA });
      const back = await browser.get(await goThrough(browser, 'ZX1'));
      assert.equal(back.headers.location, '/sign-in/not-connected');
      assert.equal((await browser.get('/work')).statusCode, 303);
    });
  });

  it('the cookie of a sign-in under way can neither be read nor made up', async () => {
    await goThrough(browser, 'ZX1');
    const cookie = browser.cookies.get(FLOW)!;
    assert.doesNotMatch(Buffer.from(cookie, 'base64url').toString('latin1'), /verifier|nonce|work/);
    const other = service.client();
    other.cookies.set(FLOW, `${cookie.slice(0, -4)}AAAA`);
    assert.equal(
      await refused('/sign-in/with/ZX1/callback?state=x&code=y', 'start-again', other),
      'not-begun-here',
    );
    other.cookies.set('connect-sign-in', cookie);
    assert.equal((await other.get('/sign-in/not-connected')).headers.location, '/sign-in');
  });
});

/** A token with other claims or header, and its old signature. */
function forged(token: string, changes: Record<string, unknown>): string {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const part = (text: string, change: object) =>
    Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(text, 'base64url').toString()), ...change }),
    ).toString('base64url');
  const { alg, ...claims } = changes;
  return [alg ? part(header, { alg }) : header, part(payload, claims), alg ? '' : signature].join('.');
}
