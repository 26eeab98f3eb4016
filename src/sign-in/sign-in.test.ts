import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { textOf } from '../../test/support/page-client.ts';
import {
  addStaff,
  PASSWORD,
  type SignInApp,
  sendPassword,
  signedIn,
  signInApp,
  signInWorld,
} from '../../test/support/sign-in-app.ts';
import { hashPassword } from './password.ts';

const WRONG = 'The email address or the password is not right';

describe('signing in', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let world: Awaited<ReturnType<typeof signInWorld>>;
  let harbour: string;

  before(async () => {
    db = await testDatabase();
    world = await signInWorld(db.database);
    harbour = world.harbour;
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    await world.forget();
  });

  it('leads from a page to sign-in and back to that page', async () => {
    const client = service.client();
    const away = await client.get('/work?status=active');
    assert.equal(away.statusCode, 303);
    const form = await client.get(away.headers.location!);
    const next = /name="next" value="([^"]+)"/.exec(form.body)![1]!;
    const back = await client.post('/sign-in', { email: ' PAT@example.org ', password: PASSWORD, next });
    assert.equal(back.headers.location, '/work?status=active');
    const { organisationId, role, email } = (await client.get('/work')).json();
    assert.deepEqual(
      { organisationId, role, email },
      { organisationId: harbour, role: 'professional', email: 'pat@example.org' },
    );
  });

  it('says the same of a wrong password, of nobody, of a disabled account and of one without a role', async () => {
    await addStaff(db.database, { email: 'gone@example.org', roles: [[harbour, 'professional']] });
    await db.database.owner.query(`update account set disabled_at = now() where email = 'gone@example.org'`);
    const pages = new Set<string>();
    for (const [email, password] of [
      ['pat@example.org', 'not the password'],
      ['pat@example.org', 'x'.repeat(600)],
      ['nobody@example.org', PASSWORD],
      ['gone@example.org', PASSWORD],
      ['none@example.org', PASSWORD],
    ] as const) {
      const client = service.client();
      const response = await sendPassword(client, email, password);
      assert.equal(response.statusCode, 422);
      assert.ok(!response.cookies.some(({ name }) => name === 'session'));
      pages.add(textOf(response.body.replaceAll(email, '')));
    }
    assert.equal(pages.size, 1);
    assert.match([...pages][0]!, new RegExp(WRONG));
    assert.deepEqual(
      service.audit.map(({ outcome, details }) => [outcome, details?.reason]),
      [
        ['failure', 'wrong-password'],
        ['failure', 'wrong-password'],
        ['failure', 'unknown-account'],
        ['failure', 'unknown-account'],
        ['failure', 'no-role'],
      ],
    );
  });

  it('does the same work for an unknown account as for a wrong password', async () => {
    const { owner } = db.database;
    const { rows } = await owner.query(
      `select id, password_hash from account where email = 'pat@example.org'`,
    );
    const setHash = (hash: string) =>
      owner.query('update account set password_hash = $2 where id = $1', [rows[0].id, hash]);
    await setHash(await hashPassword('as the service hashes it'));
    // Processor time, that of other threads included: it is the same however busy the machine is.
    const work = { 'pat@example.org': [] as number[], 'nobody@example.org': [] as number[] };
    for (let round = 0; round < 8; round++) {
      await db.database.owner.query('delete from attempt');
      for (const email of Object.keys(work) as (keyof typeof work)[]) {
        const client = service.client();
        await client.get('/sign-in');
        const before = process.cpuUsage();
        await client.post('/sign-in', { email, password: 'not the password', next: '/' });
        const { user, system } = process.cpuUsage(before);
        work[email].push(user + system);
      }
    }
    await setHash(rows[0].password_hash);
    // The least of each is what the work itself costs; without the stand-in hash it is a small part for nobody.
    const known = Math.min(...work['pat@example.org']);
    const unknown = Math.min(...work['nobody@example.org']);
    assert.ok(unknown > known * 0.5, `known ${known} µs, unknown ${unknown} µs`);
  });

  it('asks for what is missing before it tries anything', async () => {
    const client = service.client();
    const response = await sendPassword(client, ' ', '');
    assert.equal(response.statusCode, 422);
    assert.match(response.body, /<title>Error: Sign in/);
    assert.match(textOf(response.body), /Enter your email address Enter your password/);
    assert.equal((await db.database.owner.query('select * from attempt')).rowCount, 0);
  });

  it('keeps only a hash of the session in the database', async () => {
    const client = await signedIn(service);
    const id = client.cookies.get('session')!;
    assert.equal(Buffer.from(id, 'base64url').length, 32);
    const { rows } = await db.database.owner.query('select * from staff_session');
    assert.equal(rows.length, 1);
    assert.ok(
      !JSON.stringify(rows).includes(id) && !JSON.stringify(rows).includes(Buffer.from(id).toString('hex')),
    );
  });

  it('sends a cookie that script cannot read, nor another site use, and over https only there', async () => {
    const plain = service.client();
    const cookie = (await sendPassword(plain, 'pat@example.org')).cookies.find(
      ({ name }) => name === 'session',
    )!;
    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.sameSite, 'Lax');
    const safe = await signInApp(db.database, { secure: true });
    const client = safe.client();
    const answer = await sendPassword(client, 'pat@example.org');
    const secured = answer.cookies.find(({ name }) => name === '__Host-session')!;
    assert.deepEqual(
      [secured.secure, secured.httpOnly, secured.path, secured.domain],
      [true, true, '/', undefined],
    );
    assert.match(answer.headers['strict-transport-security'] as string, /max-age=31536000/);
  });

  it('gives a new session at every sign-in, so that one planted before is worth nothing', async () => {
    const client = await signedIn(service);
    const planted = client.cookies.get('session')!;
    await client.get('/account');
    await client.post('/sign-in', { email: 'two@example.org', password: PASSWORD });
    assert.notEqual(client.cookies.get('session'), planted);
    const thief = service.client();
    thief.cookies.set('session', planted);
    assert.equal((await thief.get('/work')).statusCode, 303);
    const stranger = service.client();
    stranger.cookies.set('session', 'A'.repeat(43));
    await sendPassword(stranger, 'pat@example.org');
    assert.notEqual(stranger.cookies.get('session'), 'A'.repeat(43));
  });

  it('ends a session on sign-out, in the database too', async () => {
    const client = await signedIn(service);
    const id = client.cookies.get('session')!;
    await client.get('/account');
    const out = await client.post('/sign-out');
    assert.equal(out.headers.location, '/sign-in');
    assert.match((await client.follow(out)).body, /You have signed out/);
    client.cookies.set('session', id);
    assert.equal((await client.get('/work')).statusCode, 303);
    assert.equal(service.audit.at(-1)?.action, 'sign-out');
  });

  it('forgets a session after 30 idle minutes, and keeps one in use', async () => {
    const idle = await signedIn(service);
    service.later(29 * 60);
    assert.equal((await idle.get('/work')).statusCode, 200);
    service.later(29 * 60);
    assert.equal((await idle.get('/work')).statusCode, 200);
    service.later(31 * 60);
    assert.equal((await idle.get('/work')).statusCode, 303);
  });

  it('forgets a session after 12 hours, however much it is used', async () => {
    const client = await signedIn(service);
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      service.later(20 * 60);
      assert.equal((await client.get('/work')).statusCode, 200, `after ${minutes + 20} minutes`);
    }
    service.later(20 * 60);
    assert.equal((await client.get('/work')).statusCode, 303);
  });

  it('ends a session when the account is disabled or the role ends, at the next page', async () => {
    await addStaff(db.database, { email: 'leaver@example.org', roles: [[harbour, 'professional']] });
    const client = await signedIn(service, 'leaver@example.org');
    const change = (text: string) =>
      db.database.owner.query(
        text.replace('LEAVER', `(select id from account where email = 'leaver@example.org')`),
      );
    await change('update staff_role set ended_at = now() where account_id = LEAVER');
    assert.match((await client.get('/work')).headers.location as string, /^\/sign-in\?/);
    await change('update staff_role set ended_at = null where account_id = LEAVER');
    assert.equal((await client.get('/work')).statusCode, 200);
    await change('update account set disabled_at = now() where id = LEAVER');
    assert.match((await client.get('/work')).headers.location as string, /^\/sign-in\?/);
  });

  it('does not execute a form sent without a session, and leads to sign-in saying so', async () => {
    const client = await signedIn(service);
    await client.get('/account');
    client.cookies.delete('session');
    const response = await client.post('/work');
    assert.equal(response.statusCode, 303);
    assert.equal(response.headers.location, '/sign-in');
    assert.match((await client.follow(response)).body, /Nothing was changed/);
    assert.deepEqual(service.executed, []);
  });

  it('tells someone with another role what they need', async () => {
    const client = await signedIn(service);
    const response = await client.get('/admin');
    assert.equal(response.statusCode, 403);
    assert.match(
      textOf(response.body),
      /You need to be an organisation administrator to give a system access/,
    );
    assert.match(
      (await service.client().get('/admin')).headers.location as string,
      /^\/sign-in\?next=%2Fadmin/,
    );
  });

  it('records every attempt with who, from where and in which request, and nothing secret', async () => {
    await signedIn(service, 'pat@example.org', '192.0.2.9');
    const [entry] = service.audit;
    assert.equal(entry?.address, '192.0.2.9');
    assert.ok(entry?.requestId && entry.accountId);
    assert.ok(!JSON.stringify(service.audit).includes(PASSWORD));
    assert.ok(!JSON.stringify(service.audit).includes('@'));
  });

  it('lets the pages’ style arrive when the database does not answer', async () => {
    const other = await testDatabase();
    await signInWorld(other.database);
    const alone = await signInApp(other.database);
    const client = await signedIn(alone);
    const style = /href="([^"]+nhsuk\.css)"/.exec((await client.get('/account')).body)![1]!;
    await other.stop();
    assert.ok((await client.get('/account')).statusCode >= 500);
    assert.equal((await client.get(style)).statusCode, 200);
  });
});
