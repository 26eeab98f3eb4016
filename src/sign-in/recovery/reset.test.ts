import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import type { PageClient } from '../../../test/support/page-client.ts';
import { textOf } from '../../../test/support/page-client.ts';
import { quickHash } from '../../../test/support/quick-hash.ts';
import {
  addOrganisation,
  addStaff,
  PASSWORD,
  type SignInApp,
  sendPassword,
  signedIn,
  signInApp,
} from '../../../test/support/sign-in-app.ts';
import { inTransaction } from '../../systems/in-transaction.ts';
import { createSignInStore } from '../store.ts';
import { codeAt } from '../totp.ts';
import { resetPassword, resetSecondFactor } from './reset.ts';

const ONE_TIME = 'abcdef-ghijkm-npqrst-uvwxyz';
const OWN = 'a completely new phrase';
const CHOOSE = '/sign-in/new-password?next=%2Fwork';
const ENROL = '/sign-in/set-up-code?next=%2Fwork';

describe('an account that an operator resets', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let harbour: string;
  let person = 0;
  let email: string;

  before(async () => {
    db = await testDatabase();
    harbour = await addOrganisation(db.database, 'ZX1', 'Harbour Trust');
    service = await signInApp(db.database);
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(() => newPerson());

  async function newPerson(more: { totp?: boolean; role?: 'administrator' } = {}) {
    email = `person${person++}@example.org`;
    await db.database.owner.query('delete from attempt');
    service.audit.length = 0;
    const { totp, role = 'professional' } = more;
    await addStaff(db.database, { email, name: 'Kim Jones', roles: [[harbour, role]], totp });
  }

  async function reset(how: typeof resetPassword, password = ONE_TIME) {
    const passwordHash = await quickHash(password);
    const now = service.clock.now;
    return inTransaction(db.database.service, (client) => how(client, { email, passwordHash, now }));
  }
  const located = (answer: { headers: Record<string, unknown> }) => answer.headers.location;
  const mayWork = async (client: PageClient) => (await client.get('/work')).statusCode === 200;
  const enter = (client: PageClient, password: string) => sendPassword(client, email, password);

  async function choose(client: PageClient, fields: Record<string, string> = {}) {
    const page = await client.get(CHOOSE);
    assert.deepEqual(await htmlProblems(page.body), []);
    return client.post('/sign-in/new-password', { password: OWN, again: OWN, next: '/work', ...fields });
  }

  async function enrol(client: PageClient) {
    const offer = (await client.get(ENROL)).body;
    const secret = /id="setup-key">([A-Z2-7 ]+)</.exec(offer)![1]!.replaceAll(' ', '');
    const code = codeAt(secret, service.clock.now);
    return client.post('/sign-in/set-up-code', { code, next: '/work' });
  }

  for (const how of [resetPassword, resetSecondFactor]) {
    describe(`by ${how.name}`, () => {
      it('is out at the next request, and the old password opens nothing', async () => {
        const open = await signedIn(service, email);
        assert.equal((await reset(how)).ended.sessions, 1);
        assert.equal(await mayWork(open), false);
        assert.equal((await enter(service.client(), PASSWORD)).statusCode, 422);
      });

      it('is out also where somebody was just signing in with the old password', async () => {
        service.meanwhile.when = async () => {
          service.meanwhile.when = undefined;
          await reset(how);
        };
        const late = service.client();
        assert.equal((await enter(late, PASSWORD)).statusCode, 422);
        assert.equal(await mayWork(late), false);
      });

      it('takes no authenticator from whoever was just setting one up with the old password', async () => {
        const store = createSignInStore(db.database.service);
        const before = (await store.accountByEmail(email))!;
        await reset(how);
        assert.equal(await store.enrolTotp(before, Buffer.from('theirs'), 1), false);
      });

      it('opens nothing with the one-time password but choosing one', async () => {
        await reset(how);
        const client = service.client();
        assert.equal(located(await enter(client, ONE_TIME)), CHOOSE);
        for (const url of ['/work', '/account', '/account/password', '/account/organisation', ENROL]) {
          assert.equal((await client.get(url)).statusCode, 303, url);
        }
        await client.get(CHOOSE);
        assert.equal((await client.post('/work')).statusCode, 303);
        assert.deepEqual(service.executed, []);
      });

      it('takes the one-time password for an hour, and then says so to who knows it', async () => {
        const { expiresAt } = await reset(how);
        assert.equal(expiresAt.getTime() - service.clock.now.getTime(), 3_600_000);
        const late = service.client();
        service.later(3590);
        await enter(late, ONE_TIME);
        service.later(10);
        const refused = await choose(late);
        assert.equal(located(refused), '/sign-in');
        assert.match(textOf((await late.get('/sign-in')).body), /too old, or there is a newer one/);
        const again = await enter(service.client(), ONE_TIME);
        assert.equal(again.statusCode, 422);
        assert.match(textOf(again.body), /one-time password is too old/);
        assert.equal(service.audit.at(-1)?.details?.reason, 'password-expired');
        assert.doesNotMatch(textOf((await enter(service.client(), 'wrong')).body), /too old/);
      });

      it('takes the newest one-time password alone', async () => {
        await reset(how);
        const first = service.client();
        await enter(first, ONE_TIME);
        await reset(how, 'another-one-time-password');
        assert.equal(located(await first.get(CHOOSE)), `/sign-in?next=%2Fwork`);
        assert.equal((await enter(service.client(), ONE_TIME)).statusCode, 422);
        assert.equal(located(await enter(service.client(), 'another-one-time-password')), CHOOSE);
      });

      it('uses the one-time password up for everybody when one has chosen', async () => {
        await reset(how);
        const [one, two] = [service.client(), service.client()];
        await enter(one, ONE_TIME);
        await enter(two, ONE_TIME);
        await two.get(CHOOSE);
        await choose(one);
        const late = await two.post('/sign-in/new-password', { password: `${OWN}!`, again: `${OWN}!` });
        assert.match(String(located(late)), /^\/sign-in\?/);
        assert.equal((await enter(service.client(), ONE_TIME)).statusCode, 422);
        assert.equal((await enter(service.client(), OWN)).statusCode, 303);
      });

      it('refuses a password that is short, mistyped, or the one that was handed over', async () => {
        await reset(how);
        const client = service.client();
        await enter(client, ONE_TIME);
        for (const [password, again, words] of [
          ['short', 'short', /12 characters or more/],
          [OWN, `${OWN}!`, /not the same/],
          [ONE_TIME, ONE_TIME, /must differ from the one you were given/],
        ] as const) {
          const refused = await choose(client, { password, again });
          assert.equal(refused.statusCode, 422);
          assert.match(textOf(refused.body), words);
          assert.deepEqual(await htmlProblems(refused.body), []);
        }
        assert.equal(service.audit.at(-1)?.outcome, 'failure');
      });

      it('asks again on a page that was left open, and renews the session when it is used', async () => {
        await reset(how);
        const client = service.client();
        await enter(client, ONE_TIME);
        service.later(15 * 60 + 1);
        assert.match(String(located(await client.get(CHOOSE))), /^\/sign-in\?again=yes/);
        await enter(client, ONE_TIME);
        const before = client.cookies.get('session');
        await choose(client);
        assert.notEqual(client.cookies.get('session'), before);
        assert.deepEqual(
          [service.audit.at(-1)?.action, service.audit.at(-1)?.outcome],
          ['choose-password', 'success'],
        );
      });
    });
  }

  it('keeps its authenticator when its password is reset, and is asked for it first', async () => {
    await newPerson({ totp: true });
    await reset(resetPassword);
    const client = service.client();
    assert.equal(located(await enter(client, ONE_TIME)), '/sign-in/code?next=%2Fwork');
    assert.equal(located(await client.get(CHOOSE)), '/sign-in/code?next=%2Fwork');
    await client.get('/sign-in/code');
    const right = await client.post('/sign-in/code', { code: service.code(), next: '/work' });
    assert.equal(located(right), CHOOSE);
    assert.equal(located(await choose(client)), '/work');
    assert.equal(await mayWork(client), true);
  });

  it('needs no authenticator after a reset of its password if it needed none before', async () => {
    await reset(resetPassword);
    const client = service.client();
    await enter(client, ONE_TIME);
    assert.equal(located(await choose(client)), '/work');
    assert.equal(await mayWork(client), true);
  });

  for (const role of ['administrator', undefined] as const) {
    it(`sets up a new authenticator after a reset of the second factor (${role ?? 'professional'})`, async () => {
      await newPerson({ totp: true, role });
      await reset(resetSecondFactor);
      const client = service.client();
      await enter(client, ONE_TIME);
      assert.equal(located(await choose(client)), ENROL);
      assert.equal(await mayWork(client), false);
      // Whoever leaves here and comes back is asked for it again.
      const back = service.client();
      assert.equal(located(await enter(back, OWN)), ENROL);
      assert.equal(await mayWork(back), false);
      assert.equal(located(await enrol(back)), '/work');
      assert.equal(await mayWork(back), true);
      assert.equal(located(await enter(service.client(), OWN)), '/sign-in/code?next=%2Fwork');
      const stale = await enter(client, OWN);
      await client.get(String(located(stale)));
      const refused = await client.post('/sign-in/code', { code: service.code(), next: '/work' });
      assert.equal(refused.statusCode, 422, 'the old authenticator is worth nothing');
    });
  }
});
