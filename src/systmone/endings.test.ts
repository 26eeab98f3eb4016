import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import {
  type LaunchApp,
  launchApp,
  launchWorld,
  OTHER_PATIENT,
  signedInTo,
} from '../../test/support/launch-app.ts';
import { CONNECT, connectBySigningIn, HOME, linkWriter, setUpLink } from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { addStaff, PASSWORD } from '../../test/support/sign-in-app.ts';

describe('what ends launches, and what does not', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let link: Awaited<ReturnType<typeof linkWriter>>;
  /** Pat's browser, connected a quarter of an hour ago and signed out. */
  let pats: PageClient;

  before(async () => {
    db = await testDatabase();
    app = await launchApp(db.database);
    world = await launchWorld(db.database);
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    app.reset();
    const owner = db.database.owner;
    for (const table of [
      'launch_request',
      'launch_use',
      'launch_pairing_device',
      'launch_pairing',
      'launch_event',
    ]) {
      await owner.query(`delete from ${table}`);
    }
    await owner.query('delete from attempt');
    await owner.query('update account set totp_last_step = null');
    await withdrawAll();
    const { keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'));
    link = await linkWriter(app, db, keyId);
    pats = app.client();
    await connectBySigningIn(pats, link(), 'pat@example.org');
    pats.cookies.delete('session');
    app.later(900);
  });

  const withdrawAll = () =>
    db.database.owner.query(
      'update launch_configuration set withdrawn_at = now() where withdrawn_at is null',
    );
  const located = (answer: { headers: Record<string, unknown> }) => String(answer.headers.location);
  const opens = (answer: { headers: Record<string, unknown> }) => /^\/record\?/.test(located(answer));
  async function opened(client: PageClient, fields = {}) {
    const answer = await client.get(link(fields));
    assert.ok(opens(answer), located(answer));
    return located(answer);
  }

  it('a link that is withdrawn while somebody shows who they are opens nothing for them', async () => {
    const client = app.client();
    await client.get(link({ userName: 'psmith0202' }));
    await client.get(CONNECT);
    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    await client.get(CONNECT);
    await withdrawAll();
    const answer = await client.post(CONNECT);
    assert.equal(answer.statusCode, 410);
    assert.equal((await client.get(CONNECT)).statusCode, 410);
    const { rows } = await db.database.owner.query(
      `select from launch_pairing where user_name = 'psmith0202'`,
    );
    assert.equal(rows.length, 0, 'nothing was connected');
  });

  it('a page made for one launch does not open the patient of another, launched in another tab since', async () => {
    const client = app.client();
    await client.get(link({ userName: 'psmith0303' }));
    const first = await client.get(CONNECT);
    const next = /name="next" value="([^"]+)"/.exec(first.body)![1]!;
    const launch = /name="launch" value="([^"]+)"/.exec(first.body)![1]!;
    await client.get(link({ userName: 'psmith0303', ...OTHER_PATIENT }));
    const codes = { launch, first: 'x', second: 'y' };
    assert.equal((await client.post(`${CONNECT}/codes`, codes)).statusCode, 410);
    const signedIn = await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next });
    assert.equal(signedIn.headers.location, `${CONNECT}?launch=${launch}`);
    assert.equal((await client.get(located(signedIn))).statusCode, 410);
    await client.get(CONNECT);
    assert.equal((await client.post(CONNECT, { launch })).statusCode, 410);
    const second = /name="launch" value="([^"]+)"/.exec((await client.get(CONNECT)).body)![1]!;
    const record = await client.post(CONNECT, { launch: second });
    assert.equal((await client.get(located(record))).json().patientId, world.other);
  });

  it('a pairing that ends closes the record that it opened, and no record of a person who signed in', async () => {
    const record = await opened(pats);
    const signedIn = await signedInTo(app, 'pat@example.org');
    signedIn.cookies.set('device', pats.cookies.get('device')!);
    const own = await opened(signedIn);
    assert.equal((await pats.get(record)).statusCode, 200);
    await db.database.owner.query('update launch_pairing set ended_at = now() where ended_at is null');
    assert.match(located(await pats.get(record)), /^\/sign-in/);
    assert.equal((await signedIn.get(own)).statusCode, 200);
  });

  it('a pairing that ends while a launch is being recorded opens nothing by it', async () => {
    app.meanwhile.when = () =>
      db.database.owner.query('update launch_pairing set ended_at = now() where ended_at is null');
    const record = located(await pats.get(link()));
    app.meanwhile.when = undefined;
    assert.match(record, /^\/record\?/);
    assert.match(located(await pats.get(record)), /^\/sign-in/);
  });

  it('a pairing beyond those that the page lists is found by name, and can be ended', async () => {
    const owner = db.database.owner;
    await owner.query(
      `insert into launch_pairing (id, organisation_id, source, user_key, user_name, account_id, created_at)
       select gen_random_uuid(), $1, 'systmone', sha256(n::text::bytea), 'clerk' || n, $2, now()
         from generate_series(1, 250) n`,
      [world.harbour, world.cora],
    );
    const ada = await signedInTo(app, 'ada@example.org');
    const all = textOf((await ada.get(HOME)).body);
    assert.doesNotMatch(all, /the connection of Pat Smith/);
    assert.match(all, /first 200\. Look for a person or a user name/);
    assert.match(
      textOf((await ada.get(`${HOME}?person=nobody%25`)).body),
      /Nobody who is connected has this name/,
    );
    const found = await ada.get(`${HOME}?person=Pat%20S`);
    assert.deepEqual(await htmlProblems(found.body), []);
    const [action, ...more] = [...found.body.matchAll(/href="([^"]+\/people\/[^"]+\/end)"/g)].map(
      ([, href]) => href!,
    );
    assert.equal(more.length, 0);
    assert.match(textOf((await ada.get(action!)).body), /End the connection of Pat Smith with psmith0101\?/);
    assert.equal((await ada.post(action!)).statusCode, 303);
    assert.equal((await ada.get(action!)).statusCode, 404);
    assert.equal(located(await pats.get(link())), CONNECT);
  });

  it("a stolen cookie's use closes the record that the thief has open", async () => {
    const thief = app.client('198.51.100.7');
    thief.cookies.set('device', pats.cookies.get('device')!);
    await opened(thief, OTHER_PATIENT);
    app.later(10);
    const record = await opened(thief, OTHER_PATIENT);
    app.later(60);
    await pats.get(link());
    assert.equal(app.launches().at(-1)?.outcome, 'device-cookie-reused');
    assert.match(located(await thief.get(record)), /^\/sign-in/);
  });

  it('a role that ends takes the session of the launch with it, though others are left', async () => {
    const both = await addStaff(db.database, {
      email: 'both@example.org',
      name: 'Bo Th',
      roles: [
        [world.harbour, 'professional'],
        [world.moor, 'professional'],
      ],
      totp: true,
    });
    const client = app.client();
    await client.get(link({ userName: 'both01' }));
    await client.get(CONNECT);
    await client.post('/sign-in', { email: 'both@example.org', password: PASSWORD, next: CONNECT });
    await client.get('/account/organisation');
    await client.post('/account/organisation', { organisation: world.harbour, next: CONNECT });
    await client.get(CONNECT);
    assert.ok(opens(await client.post(CONNECT)));
    client.cookies.delete('session');
    await opened(client, { userName: 'both01' });
    await db.database.owner.query(
      'update staff_role set ended_at = now() where account_id = $1 and organisation_id = $2',
      [both, world.harbour],
    );
    const last = await client.follow(await client.get('/account'));
    assert.equal(last.statusCode, 200, 'a page, and no way round in circles');
    assert.match(last.body, /name="password"/);
  });

  describe('an answer that was slow', () => {
    /** Two launches from one cookie, `apart` seconds apart; the first one's next cookie is used, then the other's. */
    async function twins(apart: number) {
      const [quick, slow] = [app.client(), app.client()];
      for (const tab of [quick, slow]) tab.cookies.set('device', pats.cookies.get('device')!);
      await opened(quick);
      app.later(apart);
      await opened(slow, OTHER_PATIENT);
      app.later(60);
      await opened(quick);
      app.later(60);
      slow.cookies.delete('session');
      return { quick, slow };
    }

    it('leaves a cookie whose twin came back already: still this browser', async () => {
      const { quick, slow } = await twins(1);
      await opened(slow, OTHER_PATIENT);
      app.later(60);
      await opened(slow, OTHER_PATIENT);
      app.later(60);
      await quick.get(link());
      assert.equal(app.launches().at(-1)?.outcome, 'device-cookie-reused', 'and still one browser only');
    });

    it('is told from a copy that was used some time after the original', async () => {
      const { slow } = await twins(3);
      assert.equal(located(await slow.get(link(OTHER_PATIENT))), CONNECT);
      assert.equal(app.launches().at(-1)?.outcome, 'device-cookie-reused');
    });
  });

  describe('too many tries', () => {
    const events = async () => {
      const { rows } = await db.database.owner.query('select count(*)::int as count from launch_event');
      return rows[0].count as number;
    };

    it('of dates of birth from a connected browser are stopped, right ones too, and nobody else is', async () => {
      await connectBySigningIn(app.client('192.0.2.77'), link({ userName: 'sjones01' }), 'sam@example.org');
      let last = '';
      for (let day = 1; day <= 61; day += 1) {
        const birthDate = new Date(Date.UTC(1970, 0, day)).toISOString().slice(0, 10);
        last = located(await pats.get(link({ birthDate })));
        assert.match(last, day <= 60 ? /patient-not-found/ : /too-many-attempts/);
      }
      assert.match(located(await pats.get(link())), /too-many-attempts/);
      assert.equal(app.launches().at(-1)?.outcome, 'too-many-attempts');
      const stranger = app.client('192.0.2.1');
      assert.equal(
        located(await stranger.get(link())),
        CONNECT,
        'says nothing of it to whoever has not shown',
      );
      app.later(901);
      await opened(pats);
    });

    it('are not bought by the cookie that everybody is given', async () => {
      const client = app.client('198.51.100.9');
      let waiting = 0;
      for (let user = 0; user < 310; user += 1) {
        if (located(await client.get(link({ userName: `guess${user}` }))) === CONNECT) waiting += 1;
      }
      assert.equal(waiting, 300);
      const neighbour = app.client('198.51.100.9');
      neighbour.cookies.set('device', pats.cookies.get('device')!);
      await opened(neighbour);
    });

    it('from a practice that is not listed do not bury what administrators are shown', async () => {
      const client = app.client('198.51.100.9');
      const before = await events();
      for (let click = 0; click < 110; click += 1) {
        assert.match(located(await client.get(link({ organisation: 'ZZ9' }))), /launch-wrong-practice/);
      }
      assert.equal((await events()) - before, 100);
      assert.equal(app.launches().filter(({ outcome }) => outcome === 'launch-wrong-practice').length, 110);
    });
  });

  it('a time past the year 9999 makes a link unreadable', async () => {
    const made = await setUpLink(await signedInTo(app, 'cora@example.org'), {
      profile: 'somerset',
      understood: 'yes',
    });
    const somerset = (await linkWriter(app, db, made.keyId))();
    for (const [time, leads] of [
      ['9999-12-31T23:59:59-23:59', /launch-unreadable/],
      ['9999-12-31T23:59:59Z', /^\/record/],
    ] as const) {
      const answer = await pats.get(`${somerset}&exp=${time}`);
      assert.equal(answer.statusCode, 303);
      assert.match(located(answer), leads);
    }
  });
});
