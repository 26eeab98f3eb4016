import assert from 'node:assert/strict';
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
import {
  addStaff,
  type SignInApp,
  sendPassword,
  signedIn,
  signInApp,
  signInWorld,
} from '../../../test/support/sign-in-app.ts';
import { DirectoryError } from '../../directory/directory-error.ts';
import { inTransaction } from '../../systems/in-transaction.ts';
import { disableAccount, enableAccount } from './disable-account.ts';

const PAT = 'pat@example.org';
const NONE = { sessions: 0, codes: 0, pairings: 0, identities: 0 };

describe('an account that is disabled', () => {
  let db: TestDatabase;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let service: SignInApp;
  let harbour: IdentityProvider;

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
    await db.database.owner.query('update account set disabled_at = null');
  });

  const disable = (email = PAT) =>
    inTransaction(db.database.service, (client) => disableAccount(client, email, service.clock.now));
  const enable = (email = PAT) =>
    inTransaction(db.database.service, (client) => enableAccount(client, email, service.clock.now));
  const code = (wanted: string) => (error: unknown) =>
    error instanceof DirectoryError && error.code === wanted;
  const status = async (client: { get: (url: string) => Promise<{ statusCode: number }> }) =>
    (await client.get('/work')).statusCode;

  it('is out at the next request, in every browser, and others are not', async () => {
    const [one, two] = [await signedIn(service), await signedIn(service)];
    const other = await signedIn(service, 'two@example.org');
    assert.deepEqual((await disable(' Pat@example.org')).ended, { ...NONE, sessions: 2 });
    assert.deepEqual([await status(one), await status(two)], [303, 303]);
    assert.equal((await one.post('/work')).statusCode, 303);
    assert.deepEqual(service.executed, []);
    assert.equal((await other.get('/account/organisation')).statusCode, 200);
  });

  it('lets nobody in with the password, nor whoever is just signing in with it', async () => {
    service.meanwhile.when = async () => {
      service.meanwhile.when = undefined;
      await disable();
    };
    const late = service.client();
    assert.equal((await sendPassword(late, PAT)).statusCode, 422);
    assert.equal(await status(late), 303);
    assert.equal((await sendPassword(service.client(), PAT)).statusCode, 422);
  });

  it('lets nobody in with the sign-in of the organisation, and that is to be connected anew afterwards', async () => {
    await tie(db.database, await registerProvider(db.database, harbour), 'pat-there', PAT);
    harbour.nextIs({ subject: 'pat-there', amr: ['mfa'] });
    const browser = service.client();
    assert.equal((await browser.get(await goThrough(browser, 'ZX1'))).headers.location, '/work');
    const { ended } = await disable();
    assert.deepEqual(ended, { ...NONE, sessions: 1, identities: 1 });
    assert.equal(await status(browser), 303);
    for (const change of [async () => undefined, enable]) {
      await change();
      const back = await browser.get(await goThrough(browser, 'ZX1'));
      assert.equal(back.headers.location, '/sign-in/not-connected');
      assert.equal(await status(browser), 303);
    }
  });

  it('comes back with its password and roles, and with no session it had', async () => {
    const before = await signedIn(service);
    await disable();
    await enable();
    assert.equal(await status(before), 303);
    assert.equal(await status(await signedIn(service)), 200);
  });

  it('comes back without its sessions even if it was disabled by nothing but a statement', async () => {
    const before = await signedIn(service);
    await db.database.owner.query('update account set disabled_at = now() where email = $1', [PAT]);
    await enable();
    assert.equal(await status(before), 303);
  });

  it('is disabled and enabled once, and nobody’s is neither', async () => {
    await assert.rejects(enable(), code('ACCOUNT_NOT_DISABLED'));
    const outcomes = await Promise.allSettled([disable(), disable()]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => reason.code),
      ['ACCOUNT_DISABLED'],
    );
    await enable();
    for (const act of [disable, enable]) {
      await assert.rejects(act('nobody@example.org'), code('ACCOUNT_UNKNOWN'));
      await assert.rejects(act('nobody'), code('DETAILS_INVALID'));
    }
  });

  it('is said to leave an organisation without an administrator only when it does', async () => {
    const without = async (email: string) => (await disable(email)).organisationsWithoutAdministrator;
    assert.deepEqual(await without('ada@example.org'), []);
    assert.deepEqual(await without('new@example.org'), ['Harbour Trust (ZX1)']);
    assert.deepEqual(await without(PAT), []);
    await addStaff(db.database, { email: 'more@example.org', roles: [[world.harbour, 'administrator']] });
    await enable('ada@example.org');
    assert.deepEqual(await without('ada@example.org'), []);
  });

  it('counts sessions that were still of use', async () => {
    await signedIn(service);
    service.later(31 * 60);
    await signedIn(service);
    assert.equal((await disable()).ended.sessions, 1);
  });
});
