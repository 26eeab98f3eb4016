import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import {
  PASSWORD,
  type SignInApp,
  sendPassword,
  signInApp,
  signInWorld,
} from '../../test/support/sign-in-app.ts';
import { codeAt } from './totp.ts';

describe('the second factor of administrators', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let world: Awaited<ReturnType<typeof signInWorld>>;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    await world.forget();
  });

  async function atCode(client = service.client()) {
    const response = await sendPassword(client, 'ada@example.org');
    assert.equal(response.headers.location, '/sign-in/code?next=%2Fwork');
    await client.get('/sign-in/code?next=/work');
    return client;
  }

  it('opens nothing before the code', async () => {
    const client = await atCode();
    assert.equal((await client.get('/work')).headers.location, '/sign-in/code?next=%2Fwork');
    assert.equal((await client.get('/account')).statusCode, 303);
    assert.equal((await client.get('/account/organisation')).statusCode, 303);
    assert.equal((await client.get('/sign-in/set-up-code')).statusCode, 303);
  });

  it('lets the right code in, with a new session id, back to the page', async () => {
    const client = await atCode();
    const half = client.cookies.get('session');
    const response = await client.post('/sign-in/code', { code: service.code(), next: '/work' });
    assert.equal(response.headers.location, '/work');
    assert.notEqual(client.cookies.get('session'), half);
    assert.equal((await client.get('/work')).json().role, 'administrator');
  });

  it('accepts a code one step early or late and no further', async () => {
    for (const [drift, status] of [
      [-60, 422],
      [-30, 303],
      [30, 303],
      [60, 422],
    ] as const) {
      await db.database.owner.query('update account set totp_last_step = null');
      const client = await atCode();
      const code = codeAt(
        'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
        new Date(service.clock.now.getTime() + drift * 1000),
      );
      assert.equal((await client.post('/sign-in/code', { code })).statusCode, status, `${drift} seconds`);
    }
  });

  it('accepts each code once, and none older than the last', async () => {
    const first = await atCode();
    const second = await atCode();
    const code = service.code();
    const answers = await Promise.all([
      first.post('/sign-in/code', { code }),
      second.post('/sign-in/code', { code }),
    ]);
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [303, 422]);
    const third = await atCode();
    const earlier = codeAt(
      'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      new Date(service.clock.now.getTime() - 30_000),
    );
    assert.equal((await third.post('/sign-in/code', { code: earlier })).statusCode, 422);
    service.later(30);
    assert.equal((await third.post('/sign-in/code', { code: service.code() })).statusCode, 303);
  });

  it('cannot be guessed: five codes, then waiting, across sessions', async () => {
    const statuses = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const client = await atCode();
      statuses.push((await client.post('/sign-in/code', { code: '000000' })).statusCode);
    }
    assert.deepEqual(statuses, [422, 422, 422, 422, 422, 429]);
  });

  it('is not set up in a session that was left open, whatever the role asks for', async () => {
    await db.database.owner.query(
      `update account set totp_secret = null where email like any ('{new@%,pat@%}')`,
    );
    for (const email of ['new@example.org', 'pat@example.org']) {
      const client = service.client();
      await sendPassword(client, email);
      const offer = await client.get('/sign-in/set-up-code?next=/work');
      const secret = /id="setup-key">([A-Z2-7 ]+)</.exec(offer.body)![1]!.replaceAll(' ', '');
      service.later(901);
      const again = '/sign-in?again=yes&next=%2Fwork';
      assert.equal((await client.get('/sign-in/set-up-code?next=/work')).headers.location, again);
      const code = codeAt(secret, service.clock.now);
      const tried = await client.post('/sign-in/set-up-code', { code, next: '/work' });
      assert.equal(tried.headers.location, again);
      const form = await client.get(again);
      assert.equal(form.statusCode, 200, 'a page, and no way round in circles');
      await client.post('/sign-in', { email, password: PASSWORD, next: '/work' });
      assert.equal((await client.get('/sign-in/set-up-code?next=/work')).statusCode, 200);
    }
    const { rows } = await db.database.owner.query(
      `select email from account where totp_secret is not null and email <> 'ada@example.org'`,
    );
    assert.deepEqual(rows, []);
  });

  it('is set up at first sign-in, and stands only once a code has shown it works', async () => {
    await db.database.owner.query(`update account set totp_secret = null where email = 'new@example.org'`);
    const client = service.client();
    const response = await sendPassword(client, 'new@example.org');
    assert.equal(response.headers.location, '/sign-in/set-up-code?next=%2Fwork');
    const secretOn = (html: string) => /id="setup-key">([A-Z2-7 ]+)</.exec(html)![1]!.replaceAll(' ', '');
    const secret = secretOn((await client.get(response.headers.location!)).body);
    assert.equal(secret.length, 32);
    assert.equal(secretOn((await client.get(response.headers.location!)).body), secret);

    assert.equal((await client.post('/sign-in/set-up-code', { code: '000000' })).statusCode, 422);
    assert.equal((await client.get('/work')).statusCode, 303);
    const code = codeAt(secret, service.clock.now);
    const done = await client.post('/sign-in/set-up-code', { code, next: '/work' });
    assert.equal(done.headers.location, '/work');
    assert.equal((await client.get('/work')).statusCode, 200);

    const { rows } = await db.database.owner.query(
      `select totp_secret from account where email = 'new@example.org'`,
    );
    assert.ok(!rows[0].totp_secret.toString('latin1').includes(Buffer.from(secret).toString('latin1')));
    const again = service.client();
    assert.match(
      (await sendPassword(again, 'new@example.org')).headers.location as string,
      /^\/sign-in\/code/,
    );
    await again.get('/sign-in/code');
    assert.equal((await again.post('/sign-in/code', { code })).statusCode, 422, 'the code of set-up is used');
  });
});
