import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import {
  addOrganisation,
  addStaff,
  PASSWORD,
  type SignInApp,
  signInApp,
} from '../../test/support/sign-in-app.ts';
import { codeAt } from './totp.ts';

const WRONG = 'The email address or the password is not right';

describe('signing in', () => {
  let db: TestDatabase;
  let service: SignInApp;
  let harbour: string;
  let moor: string;

  before(async () => {
    db = await testDatabase();
    harbour = await addOrganisation(db.database, 'ZX1', 'Harbour Trust');
    moor = await addOrganisation(db.database, 'ZX2', 'Moor Surgery');
    await addStaff(db.database, { email: 'pat@example.org', roles: [[harbour, 'professional']] });
    await addStaff(db.database, {
      email: 'ada@example.org',
      roles: [[harbour, 'administrator']],
      totp: true,
    });
    await addStaff(db.database, { email: 'new@example.org', roles: [[harbour, 'administrator']] });
    await addStaff(db.database, { email: 'none@example.org', roles: [] });
    await addStaff(db.database, {
      email: 'two@example.org',
      roles: [
        [harbour, 'professional'],
        [moor, 'coordinator'],
      ],
    });
  });
  after(() => db.stop());
  beforeEach(async () => {
    service = await signInApp(db.database);
    await db.database.owner.query('delete from attempt');
    await db.database.owner.query('delete from staff_session');
    await db.database.owner.query('update account set totp_last_step = null');
  });

  async function sendPassword(client: PageClient, email: string, password = PASSWORD, next = '/work') {
    await client.get('/sign-in');
    return client.post('/sign-in', { email, password, next });
  }

  async function signedIn(email = 'pat@example.org', address?: string) {
    const client = service.client(address);
    const response = await sendPassword(client, email);
    assert.equal(response.statusCode, 303);
    return client;
  }

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
    const times = { 'pat@example.org': [] as number[], 'nobody@example.org': [] as number[] };
    for (let round = 0; round < 12; round++) {
      await db.database.owner.query('delete from attempt');
      for (const email of Object.keys(times) as (keyof typeof times)[]) {
        const client = service.client();
        await client.get('/sign-in');
        const start = performance.now();
        await client.post('/sign-in', { email, password: 'not the password', next: '/' });
        times[email].push(performance.now() - start);
      }
    }
    // The quickest of each is what the work itself costs; without the stand-in hash it is a small part for nobody.
    const known = Math.min(...times['pat@example.org']);
    const unknown = Math.min(...times['nobody@example.org']);
    assert.ok(unknown > known * 0.5, `known ${known} ms, unknown ${unknown} ms`);
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
    const client = await signedIn();
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
    const client = await signedIn();
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
    const client = await signedIn();
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
    const idle = await signedIn();
    service.later(29 * 60);
    assert.equal((await idle.get('/work')).statusCode, 200);
    service.later(29 * 60);
    assert.equal((await idle.get('/work')).statusCode, 200);
    service.later(31 * 60);
    assert.equal((await idle.get('/work')).statusCode, 303);
  });

  it('forgets a session after 12 hours, however much it is used', async () => {
    const client = await signedIn();
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      service.later(20 * 60);
      assert.equal((await client.get('/work')).statusCode, 200, `after ${minutes + 20} minutes`);
    }
    service.later(20 * 60);
    assert.equal((await client.get('/work')).statusCode, 303);
  });

  it('ends a session when the account is disabled or the role ends, at the next page', async () => {
    await addStaff(db.database, { email: 'leaver@example.org', roles: [[harbour, 'professional']] });
    const client = await signedIn('leaver@example.org');
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
    const client = await signedIn();
    await client.get('/account');
    client.cookies.delete('session');
    const response = await client.post('/work');
    assert.equal(response.statusCode, 303);
    assert.equal(response.headers.location, '/sign-in');
    assert.match((await client.follow(response)).body, /Nothing was changed/);
    assert.deepEqual(service.executed, []);
  });

  describe('forged forms', () => {
    it('are refused without the token of this session', async () => {
      const client = await signedIn();
      const other = await signedIn('two@example.org');
      await other.get('/account/organisation');
      await client.get('/account');
      for (const token of ['', 'x', other.csrf()]) {
        const response = await client.post('/work', { _csrf: token });
        assert.equal(response.statusCode, 403, `token ${token}`);
      }
      assert.deepEqual(service.executed, []);
      assert.equal((await client.post('/work')).statusCode, 200);
    });

    it('are refused when the browser says they come from elsewhere', async () => {
      const client = await signedIn();
      await client.get('/account');
      const sources: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://evil.test' },
        { origin: 'not an address' },
      ];
      for (const headers of sources) assert.equal((await client.post('/work', {}, headers)).statusCode, 403);
      assert.deepEqual(service.executed, []);
      assert.equal((await client.post('/work', {}, { 'sec-fetch-site': 'same-origin' })).statusCode, 200);
      assert.equal((await client.post('/work', {}, { origin: 'http://service.test' })).statusCode, 200);
      assert.equal((await client.post('/work', {}, { origin: 'null' })).statusCode, 200);
    });

    it('cannot sign someone in either', async () => {
      const client = service.client();
      const response = await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD });
      assert.equal(response.statusCode, 403);
      const page = await client.get('/sign-in');
      const token = client.csrf();
      client.cookies.set('form', `${'A'.repeat(43)}.${'B'.repeat(43)}`);
      assert.equal(page.statusCode, 200);
      const forged = await client.post('/sign-in', {
        _csrf: token,
        email: 'pat@example.org',
        password: PASSWORD,
      });
      assert.equal(forged.statusCode, 403);
    });
  });

  describe('too many attempts', () => {
    it('make an account wait longer and longer, and then the right password works', async () => {
      const client = service.client();
      for (let attempt = 0; attempt < 5; attempt++) {
        assert.equal((await sendPassword(client, 'pat@example.org', 'wrong password')).statusCode, 422);
      }
      const blocked = await sendPassword(client, 'pat@example.org');
      assert.equal(blocked.statusCode, 429);
      assert.equal(blocked.headers['retry-after'], '60');
      assert.match(textOf(blocked.body), /Try again in a minute/);
      service.later(61);
      assert.equal((await sendPassword(client, 'pat@example.org', 'wrong password')).statusCode, 422);
      assert.equal((await sendPassword(client, 'pat@example.org')).headers['retry-after'], '120');
      service.later(121);
      assert.equal((await sendPassword(client, 'pat@example.org')).statusCode, 303);
      assert.equal(service.audit.filter(({ details }) => details?.reason === 'too-many-attempts').length, 2);
    });

    it('look the same for an account that does not exist', async () => {
      const answers = [];
      for (const email of ['pat@example.org', 'nobody@example.org']) {
        const client = service.client(`192.0.2.${email.length}`);
        const seen = [];
        for (let attempt = 0; attempt < 7; attempt++) {
          const { statusCode, headers, body } = await sendPassword(client, email, 'wrong password');
          seen.push([statusCode, headers['retry-after'], textOf(body.replaceAll(email, ''))]);
        }
        answers.push(seen);
      }
      assert.deepEqual(answers[0], answers[1]);
    });

    it('are counted as many even when sent at once', async () => {
      const client = service.client();
      await client.get('/sign-in');
      const sent = Array.from({ length: 20 }, () =>
        client.post('/sign-in', { email: 'pat@example.org', password: 'wrong password' }),
      );
      const statuses = (await Promise.all(sent)).map(({ statusCode }) => statusCode);
      assert.equal(statuses.filter((status) => status === 422).length, 5);
      assert.equal(statuses.filter((status) => status === 429).length, 15);
    });

    it('from one network stop it for a while, for any account, and leave other networks alone', async () => {
      const attacker = service.client('198.51.100.7');
      const statuses = [];
      for (let attempt = 0; attempt < 31; attempt++) {
        statuses.push(
          (await sendPassword(attacker, `guess${attempt}@example.org`, 'wrong password')).statusCode,
        );
      }
      assert.deepEqual(statuses, [...Array(30).fill(422), 429]);
      assert.equal((await sendPassword(service.client('198.51.100.8'), 'pat@example.org')).statusCode, 303);
    });

    it('do not keep whose they were', async () => {
      await sendPassword(service.client(), 'pat@example.org', 'wrong password');
      const { rows } = await db.database.owner.query(
        `select encode(subject, 'escape') as subject from attempt`,
      );
      assert.equal(rows.length, 2);
      assert.ok(rows.every(({ subject }) => !/pat|127\.0/.test(subject)));
    });
  });

  describe('the second factor of administrators', () => {
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
      assert.equal(
        (await again.post('/sign-in/code', { code })).statusCode,
        422,
        'the code of set-up is used',
      );
    });
  });

  describe('roles in two organisations', () => {
    it('are chosen between, and switched, each time with a new session id', async () => {
      const client = await signedIn('two@example.org');
      assert.equal((await client.get('/work')).headers.location, '/account/organisation?next=%2Fwork');
      const page = await client.get('/account/organisation?next=/work');
      assert.match(textOf(page.body), /Harbour Trust Professional Moor Surgery Team coordinator/);
      const before = client.cookies.get('session');
      const chosen = await client.post('/account/organisation', { organisation: moor, next: '/work' });
      assert.equal(chosen.headers.location, '/work');
      assert.notEqual(client.cookies.get('session'), before);
      assert.equal((await client.get('/work')).json().role, 'coordinator');
      await client.get('/account/organisation');
      await client.post('/account/organisation', { organisation: harbour, next: '/work' });
      assert.equal((await client.get('/work')).json().organisationName, 'Harbour Trust');
      assert.match(textOf((await client.get('/account')).body), /Harbour Trust : change organisation/);
    });

    it('cannot be widened to an organisation without a role', async () => {
      const elsewhere = await addOrganisation(db.database, 'ZX9', 'Elsewhere');
      const client = await signedIn('two@example.org');
      await client.get('/account/organisation');
      for (const organisation of [elsewhere, '', 'x', "' or true --"]) {
        assert.equal((await client.post('/account/organisation', { organisation })).statusCode, 422);
      }
      assert.equal((await client.get('/work')).statusCode, 303);
    });
  });

  it('tells someone with another role what they need', async () => {
    const client = await signedIn();
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
    await signedIn('pat@example.org', '192.0.2.9');
    const [entry] = service.audit;
    assert.equal(entry?.address, '192.0.2.9');
    assert.ok(entry?.requestId && entry.accountId);
    assert.ok(!JSON.stringify(service.audit).includes(PASSWORD));
    assert.ok(!JSON.stringify(service.audit).includes('@'));
  });
});
