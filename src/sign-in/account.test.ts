import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { textOf } from '../../test/support/page-client.ts';
import {
  addOrganisation,
  addStaff,
  PASSWORD,
  type SignInApp,
  signInApp,
} from '../../test/support/sign-in-app.ts';
import { createSignInStore } from './store.ts';

const NEW = 'a completely new phrase';

describe('my account', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let harbour: string;
  let person = 0;
  let email: string;

  before(async () => {
    db = await testDatabase();
    harbour = await addOrganisation(db.database, 'ZX1', 'Harbour Trust');
    await addStaff(db.database, { email: 'other@example.org', roles: [[harbour, 'professional']] });
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    email = `person${person++}@example.org`;
    await addStaff(db.database, { email, name: 'Kim Jones', roles: [[harbour, 'coordinator']] });
  });

  async function signedIn(who = email, password = PASSWORD) {
    const client = service.client();
    await client.get('/sign-in');
    const response = await client.post('/sign-in', { email: who, password, next: '/account' });
    return Object.assign(client, { page: (await client.follow(response)).body, status: response.statusCode });
  }

  const idsOn = (html: string) =>
    [...html.matchAll(/name="session" value="([0-9a-f]{64})"/g)].map(([, id]) => id!);

  it('shows who I am here and what I may change', async () => {
    const text = textOf((await signedIn()).page);
    assert.match(text, /Name Kim Jones/);
    assert.match(text, /Role Team coordinator/);
    assert.match(text, /Sign-in codes Off/);
    assert.match(text, /\(this browser\)/);
  });

  it('lists my sessions and nobody else’s, and ends one', async () => {
    const one = await signedIn();
    const two = await signedIn();
    await signedIn('other@example.org');
    const ids = idsOn((await one.get('/account')).body);
    assert.equal(ids.length, 1);
    await one.post('/account/sessions/end', { session: ids[0]! });
    assert.equal((await two.get('/work')).statusCode, 303);
    assert.equal((await one.get('/work')).statusCode, 200);
    assert.match((await one.get('/account')).body, /Signed out there/);
  });

  it('cannot end another person’s session', async () => {
    const other = await signedIn('other@example.org');
    const { rows } = await db.database.owner.query(
      `select encode(id_hash, 'hex') as id from staff_session join account a on a.id = account_id
        where a.email = 'other@example.org' and ended_at is null`,
    );
    const me = await signedIn();
    for (const { id } of rows) await me.post('/account/sessions/end', { session: id });
    await me.post('/account/sessions/end', { session: 'others' });
    assert.equal((await other.get('/work')).statusCode, 200);
    assert.equal((await me.post('/account/sessions/end', { session: 'x' })).statusCode, 400);
  });

  it('ends all other sessions at once', async () => {
    const [one, two, three] = [await signedIn(), await signedIn(), await signedIn()];
    await one.get('/account');
    await one.post('/account/sessions/end', { session: 'others' });
    assert.deepEqual(
      await Promise.all([one, two, three].map(async (client) => (await client.get('/work')).statusCode)),
      [200, 303, 303],
    );
  });

  it('changes the password, ends every other session and renews this one', async () => {
    const one = await signedIn();
    const two = await signedIn();
    await one.get('/account/password');
    const before = one.cookies.get('session');
    const done = await one.post('/account/password', { current: PASSWORD, password: NEW, again: NEW });
    assert.equal(done.headers.location, '/account');
    assert.notEqual(one.cookies.get('session'), before);
    assert.equal((await one.get('/work')).statusCode, 200);
    assert.equal((await two.get('/work')).statusCode, 303);
    assert.equal((await signedIn(email, PASSWORD)).status, 422);
    assert.equal((await signedIn(email, NEW)).status, 303);
  });

  it('changes the password for whoever is just signing in with the old one as well', async () => {
    const one = await signedIn();
    await one.get('/account/password');
    service.meanwhile.when = async ({ action }) => {
      service.meanwhile.when = undefined;
      assert.equal(action, 'sign-in');
      await one.post('/account/password', { current: PASSWORD, password: NEW, again: NEW });
    };
    const late = await signedIn(email, PASSWORD);
    assert.equal(late.status, 422);
    assert.equal((await late.get('/work')).statusCode, 303);
    assert.equal((await one.get('/work')).statusCode, 200);
    assert.equal(service.audit.at(-1)?.details?.reason, 'wrong-password');
  });

  it('refuses a new password that is short, mistyped, the old one, or without the old one', async () => {
    const client = await signedIn();
    await client.get('/account/password');
    for (const [form, words] of [
      [{ current: PASSWORD, password: 'short', again: 'short' }, /12 characters or more/],
      [{ current: PASSWORD, password: NEW, again: `${NEW}!` }, /not the same/],
      [{ current: PASSWORD, password: PASSWORD, again: PASSWORD }, /must differ/],
      [{ current: 'wrong', password: NEW, again: NEW }, /current password is not right/],
      [{ password: NEW, again: NEW }, /current password is not right/],
    ] as [Record<string, string>, RegExp][]) {
      const response = await client.post('/account/password', form);
      assert.equal(response.statusCode, 422);
      assert.match(textOf(response.body), words);
      assert.ok(!response.body.includes(NEW));
    }
    assert.equal((await signedIn()).status, 303);
  });

  it('does not let an open session guess the password', async () => {
    const client = await signedIn();
    await client.get('/account/password');
    const statuses = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const form = { current: `guess number ${attempt}`, password: NEW, again: NEW };
      statuses.push((await client.post('/account/password', form)).statusCode);
    }
    assert.deepEqual(statuses, [422, 422, 422, 422, 422, 429]);
  });

  it('lets one of two simultaneous changes through', async () => {
    const client = await signedIn();
    await client.get('/account/password');
    const answers = await Promise.all(
      [NEW, `${NEW} two`].map((password) =>
        client.post('/account/password', { current: PASSWORD, password, again: password }),
      ),
    );
    assert.equal(answers.filter(({ headers }) => headers.location === '/account').length, 1);
  });

  it('keeps ended sessions ninety days and no longer', async () => {
    await signedIn();
    const store = createSignInStore(db.database.service);
    const count = async () => (await db.database.owner.query('select 1 from staff_session')).rowCount!;
    const before = await count();
    await store.clean(new Date(service.clock.now.getTime() + 89 * 86_400_000));
    assert.equal(await count(), before);
    await store.clean(new Date(service.clock.now.getTime() + 92 * 86_400_000));
    assert.equal(await count(), 0);
  });
});
