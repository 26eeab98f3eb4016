import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import {
  type LaunchApp,
  launchApp,
  launchWorld,
  OTHER_PATIENT,
  PATIENT,
  signedInTo,
} from '../../test/support/launch-app.ts';
import { CONNECT, connectBySigningIn, HOME, linkWriter, setUpLink } from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { PASSWORD } from '../../test/support/sign-in-app.ts';
import { cleanLaunches } from './launch-store.ts';

const DAY = 86_400;

describe('attacks on launches', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let keyId: string;
  let link: Awaited<ReturnType<typeof linkWriter>>;
  /** Pat's browser, connected a quarter of an hour ago and signed out. */
  let pats: PageClient;

  before(async () => {
    db = await testDatabase();
    app = await launchApp(db.database);
    world = await launchWorld(db.database);
  });
  after(() => db?.stop());
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
    await owner.query('update launch_configuration set withdrawn_at = now() where withdrawn_at is null');
    ({ keyId } = await setUpLink(await signedInTo(app, 'cora@example.org')));
    link = await linkWriter(app, db, keyId);
    pats = app.client();
    await connectBySigningIn(pats, link(), 'pat@example.org');
    pats.cookies.delete('session');
    app.later(900);
    app.audit.length = 0;
  });
  after(() => app?.app.close());

  const opens = (answer: { headers: Record<string, unknown> }) =>
    /^\/record\?/.test(String(answer.headers.location));
  const reports = async () => textOf((await (await signedInTo(app, 'cora@example.org')).get(HOME)).body);

  describe('a copied link', () => {
    it('opens nothing on another device, leads to showing who one is, and is reported', async () => {
      assert.ok(opens(await pats.get(link())));
      const thief = app.client('198.51.100.7');
      const answer = await thief.get(link());
      assert.equal(answer.headers.location, CONNECT);
      assert.equal((await thief.get('/record')).statusCode, 303, 'no session');
      const page = await thief.get(CONNECT);
      assert.match(textOf(page.body), /or because a copy of this link was opened in another one/);
      assert.doesNotMatch(page.body, /9434765919|Testpatient|Pat Smith/);
      assert.equal(app.launches().at(-1)?.outcome, 'link-reused');
      assert.match(
        await reports(),
        /A link was used on a second device: possibly copied User name psmith0101 Network address 198.51.100.7/,
      );
    });

    it('is answered like one that was never opened, or links would tell who opened whose record', async () => {
      assert.ok(opens(await pats.get(link())));
      for (const thief of [
        app.client('198.51.100.7'),
        await signedInTo(app, 'max@example.org', '198.51.100.7'),
      ]) {
        const pages = new Set<string>();
        for (const each of [link(), link(OTHER_PATIENT)]) {
          await thief.get(each);
          const page = await thief.get(CONNECT);
          pages.add(
            `${page.statusCode} ${page.body.replace(/value="[\w-]{43}"/g, '').replace(/(launch(=|%3D)|value=")[0-9a-f]{16}/g, '')}`,
          );
        }
        assert.equal(pages.size, 1);
        assert.equal(app.launches().at(-2)?.outcome, 'link-reused');
        assert.equal(app.launches().at(-1)?.outcome, 'not-paired');
      }
    });

    it('opens nothing on a device that is connected as somebody else, nor with their account', async () => {
      const sams = app.client('198.51.100.7');
      await connectBySigningIn(sams, link({ userName: 'sjones0202' }), 'sam@example.org');
      app.later(1);
      const answer = await sams.get(link());
      assert.equal(answer.headers.location, CONNECT);
      assert.equal(app.launches().at(-1)?.outcome, 'link-reused');
      await sams.get(CONNECT);
      assert.equal((await sams.post(CONNECT)).headers.location, CONNECT, 'an older sign-in is not enough');
      app.later(1);
      await sams.post('/sign-in', { email: 'sam@example.org', password: PASSWORD, next: CONNECT });
      await sams.get(CONNECT);
      const claimed = await sams.post(CONNECT);
      assert.equal(claimed.statusCode, 409);
      assert.match(textOf(claimed.body), /connected to another account/);
      assert.ok(opens(await pats.get(link())), 'hers stands');
    });

    it('is let through on a second device once its own person has signed in there since', async () => {
      const second = await signedInTo(app, 'pat@example.org', '198.51.100.7');
      app.later(5);
      assert.ok(opens(await pats.get(link())));
      await second.get(link());
      const page = await second.get(CONNECT);
      assert.doesNotMatch(page.body, /You are signed in as Pat/, 'an older sign-in is not enough for a copy');
      assert.equal((await second.post(CONNECT)).headers.location, CONNECT);
      app.later(5);
      await second.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
      await second.get(CONNECT);
      assert.ok(opens(await second.post(CONNECT)));
      app.later(1);
      assert.ok(opens(await second.get(link())), 'from now on with one click');
    });

    it('is the same link however it is written', async () => {
      assert.ok(opens(await pats.get(link())));
      const shouted = link().replace(/=([0-9a-f]+)/g, (all) => all.toUpperCase());
      assert.notEqual(shouted, link());
      const thief = app.client('198.51.100.7');
      await thief.get(shouted);
      assert.equal(app.launches().at(-1)?.outcome, 'link-reused');
    });

    it('is let through at the same device again and again', async () => {
      for (let click = 0; click < 3; click += 1) assert.ok(opens(await pats.get(link())));
      app.later(50 * DAY);
      assert.ok(opens(await pats.get(link())));
    });

    it('is a copy on another device however much later it comes', async () => {
      assert.ok(opens(await pats.get(link())));
      app.later(80 * DAY);
      const thief = app.client('198.51.100.7');
      assert.equal((await thief.get(link())).headers.location, CONNECT);
      assert.equal(app.launches().at(-1)?.outcome, 'link-reused');
    });

    it("opens nothing on another of the person's own devices, and is reported to them", async () => {
      const second = await secondDevice();
      assert.ok(opens(await pats.get(link())));
      app.later(600);
      assert.equal((await second.get(link())).headers.location, CONNECT);
      assert.equal((await second.get('/record')).statusCode, 303, 'no session');
      assert.equal(app.launches().at(-1)?.outcome, 'link-reused');
      const told = /A link was used on a second device: possibly copied User name psmith0101/;
      assert.match(await reports(), told);
      assert.match(await reportsTo('pat@example.org'), told);
      assert.match(await reportsTo('pat@example.org'), /Network address 198.51.100.9/);
      assert.doesNotMatch(await reportsTo('sam@example.org'), /psmith0101|198.51.100.9/);
    });

    it('opens there once they have shown who they are, with all that was used before: each is reported', async () => {
      const second = await secondDevice();
      await pats.get(link());
      await pats.get(link(OTHER_PATIENT));
      app.later(1);
      await showAgain(second, link());
      second.cookies.delete('session');
      app.later(3600);
      assert.ok(opens(await second.get(link())));
      assert.equal(await reported('allowed-second-browser'), 0, 'that one was reported when it was refused');
      assert.ok(opens(await second.get(link(OTHER_PATIENT))));
      assert.equal(await reported('allowed-second-browser'), 1);
      assert.equal(app.launches().at(-1)?.outcome, 'allowed');
      assert.match(String(app.launches().at(-1)?.detail), /"secondBrowser":true/);
      assert.match(await reports(), /on a second device, and opened the record/);
      assert.match(await reportsTo('pat@example.org'), /on a second device, and opened the record/);
      assert.ok(opens(await second.get(link(OTHER_PATIENT))));
      assert.equal(await reported('allowed-second-browser'), 1, 'known there from now on');
      assert.ok(opens(await pats.get(link())), 'and where it was used first');
    });

    it('is asked about again when it was used elsewhere since, and not where it is known', async () => {
      const second = await secondDevice();
      await pats.get(link());
      app.later(1);
      await showAgain(second, link());
      second.cookies.delete('session');
      app.later(60);
      await pats.get(link());
      await pats.get(link(OTHER_PATIENT));
      app.later(600);
      assert.ok(opens(await second.get(link())));
      second.cookies.delete('session');
      assert.equal((await second.get(link(OTHER_PATIENT))).headers.location, CONNECT);
    });

    it('is refused on a device that was connected since, until they answer for it', async () => {
      await pats.get(link());
      app.later(600);
      const second = app.client('198.51.100.9');
      await connectBySigningIn(second, link(OTHER_PATIENT), 'pat@example.org');
      assert.equal((await second.get(link())).headers.location, CONNECT);
    });

    it('that opens many records on a second device in a day is one report with their number', async () => {
      await db.database.owner.query(
        `insert into launch_event (id, organisation_id, source, at, outcome, user_name, address, request_id)
         select gen_random_uuid(), $1, 'systmone', $2::timestamptz + make_interval(secs => n), 'allowed-second-browser',
                'PSmith0101', '198.51.100.9', 'request ' || n from generate_series(1, 12) n`,
        [world.harbour, app.clock.now],
      );
      for (const page of [await reports(), await reportsTo('pat@example.org')]) {
        assert.match(
          page,
          /\(12 times that day\) User name PSmith0101 Network address 198.51.100.9 Reference request 12/,
        );
        assert.doesNotMatch(page, /request 11/);
      }
    });

    it('opens on one of two devices that come with it at the same moment', async () => {
      const second = await secondDevice();
      app.later(DAY);
      const fresh = link(OTHER_PATIENT);
      const both = await Promise.all([pats.get(fresh), second.get(fresh)]);
      assert.deepEqual(both.map(opens).sort(), [false, true]);
      assert.equal(await reported('link-reused'), 1);
    });

    it('is kept for few devices, and for as long as its configuration stands', async () => {
      const { owner, service } = db.database;
      assert.ok(opens(await pats.get(link())));
      for (let device = 0; device < 14; device += 1) {
        await service.query(
          'select launch_take_link(configuration_id, digest, gen_random_uuid(), $1, until) from launch_use',
          [app.clock.now],
        );
      }
      const { rows } = await owner.query('select cardinality(others) as others from launch_use');
      assert.deepEqual(rows, [{ others: 10 }]);
      assert.ok(opens(await pats.get(link())));
      await owner.query('update launch_configuration set withdrawn_at = $1 where key_id = $2', [
        app.clock.now,
        keyId,
      ]);
      app.later(1);
      await cleanLaunches(service, app.clock.now);
      assert.equal((await owner.query('select from launch_use')).rowCount, 0);
    });

    /** Another browser of Pat's, connected the day before by another link and signed out. */
    async function secondDevice() {
      const second = app.client('198.51.100.9');
      await connectBySigningIn(second, link({ ...PATIENT, nhsNumber: '9999999999' }), 'pat@example.org');
      second.cookies.delete('session');
      await db.database.owner.query('delete from launch_use');
      app.later(DAY);
      return second;
    }
    async function showAgain(client: PageClient, url: string) {
      await client.get(url);
      await client.get(CONNECT);
      app.later(1);
      await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
      const told = await client.get(CONNECT);
      assert.equal(told.statusCode, 409);
      assert.match(textOf(told.body), /used elsewhere/);
      assert.ok(opens(await client.post(CONNECT)));
    }
    const reported = async (outcome: string) =>
      (await db.database.owner.query('select from launch_event where outcome = $1', [outcome])).rowCount;
    const reportsTo = async (email: string) =>
      textOf((await (await signedInTo(app, email)).get('/account/systmone')).body);
  });

  describe('fields of two captured links put together', () => {
    const parts = (of: string) => new URLSearchParams(of.slice(of.indexOf('?') + 1));
    function mixed(of: string, from: string, names: string[]) {
      const query = parts(of);
      for (const name of names) query.set(name, parts(from).get(name)!);
      return `/systmone/launch/${keyId}?${query}`;
    }

    it("do not open another patient: the date of birth is the first one's", async () => {
      const answer = await pats.get(mixed(link(), link(OTHER_PATIENT), ['nhs']));
      assert.match(String(answer.headers.location), /patient-not-found/);
      assert.equal(app.launches().at(-1)?.outcome, 'birth-date-mismatch');
    });

    it("do not open anything as somebody else: the device is not that user's", async () => {
      const sams = app.client('198.51.100.7');
      await connectBySigningIn(sams, link({ userName: 'sjones0202' }), 'sam@example.org');
      sams.cookies.delete('session');
      const answer = await sams.get(mixed(link({ userName: 'sjones0202' }), link(OTHER_PATIENT), ['user']));
      assert.equal(answer.headers.location, CONNECT);
      assert.equal((await sams.get('/record')).statusCode, 303);
    });

    it('open no more than the person could open anyhow, and are recorded as theirs', async () => {
      // What remains: number and date of birth of another patient of the same organisation.
      const answer = await pats.get(mixed(link(), link(OTHER_PATIENT), ['nhs', 'dob']));
      assert.ok(opens(answer));
      const entry = app.launches().at(-1);
      assert.equal(entry?.accountId, world.pat);
      assert.deepEqual(entry?.patients, [world.other]);
    });

    it('are refused when they change places within a link', async () => {
      const query = parts(link());
      const swapped = `/systmone/launch/${keyId}?org=${query.get('org')}&user=${query.get('nhs')}&nhs=${query.get('user')}&dob=${query.get('dob')}`;
      assert.match(String((await pats.get(swapped)).headers.location), /launch-unreadable/);
    });
  });

  it('tampered links are all answered alike, whatever is wrong with them', async () => {
    const right = link();
    const broken = [
      right.replace(/user=../, 'user=00'),
      right.replace(/nhs=[0-9a-f]+/, 'nhs='),
      right.replace(/nhs=[0-9a-f]+/, 'nhs=zz'),
      right.replace('&dob=', '&bod='),
      right.replace(/[0-9a-f]$/, (digit) => (digit === '0' ? '1' : '0')),
      `${right}&more=1`,
      right.slice(0, right.indexOf('?')),
    ];
    const pages = new Set<string>();
    for (const each of broken) {
      const answer = await pats.get(each);
      assert.match(
        String(answer.headers.location),
        /^\/systmone\/refused\/launch-unreadable\?reference=[0-9a-f-]{36}$/,
      );
      const page = await pats.get(String(answer.headers.location));
      pages.add(`${page.statusCode} ${page.body.replace(/[0-9a-f-]{36}/g, '')}`);
    }
    assert.equal(pages.size, 1);
  });

  it('a link of no configuration is refused and recorded, whatever stands in its place', async () => {
    for (const key of ['A'.repeat(22), 'a', '%00', '%ff', 'x'.repeat(190)]) {
      const answer = await pats.get(`/systmone/launch/${key}?org=00`);
      assert.match(String(answer.headers.location), /^\/systmone\/refused\/launch-withdrawn\?/, key);
    }
    assert.deepEqual(
      app.launches().map(({ outcome }) => outcome),
      Array(5).fill('launch-withdrawn'),
    );
  });

  it('tampering is limited, and does not hold up those whose links are right', async () => {
    let tries = 0;
    for (; tries < 60; tries += 1) {
      const answer = await pats.get(`/systmone/launch/${keyId}?org=00`);
      if (/too-many-attempts/.test(String(answer.headers.location))) {
        const page = await pats.get(String(answer.headers.location));
        assert.equal(page.statusCode, 429);
        assert.ok(page.headers['retry-after']);
        break;
      }
    }
    assert.ok(tries < 60);
    assert.ok(opens(await pats.get(link())));
  });

  it('guessed user names are answered alike, known or not, and limited', async () => {
    const guesser = app.client('198.51.100.7');
    const pages = new Set<string>();
    for (const userName of ['psmith0101', 'nobody9999']) {
      const answer = await guesser.get(link({ userName, ...OTHER_PATIENT }));
      assert.equal(answer.headers.location, CONNECT);
      const page = await guesser.get(CONNECT);
      pages.add(`${page.statusCode} ${textOf(page.body).replace(userName, '')}`);
    }
    assert.equal(pages.size, 1);
    await db.database.owner.query(`update attempt set failures = 400 where purpose = 'launch-unpaired'`);
    await pats.get(link(OTHER_PATIENT));
    await guesser.get(link(OTHER_PATIENT));
    assert.equal(app.launches().at(-1)?.outcome, 'link-reused', 'a copy counts as well');
    const rows = async () =>
      (await db.database.owner.query('select count(*) from launch_event')).rows[0].count;
    const before = await rows();
    for (const cookie of ['', 'A'.repeat(43)]) {
      const stranger = app.client('198.51.100.7');
      if (cookie) stranger.cookies.set('device', cookie);
      const next = await stranger.get(link({ userName: 'another2', ...OTHER_PATIENT }));
      assert.match(String(next.headers.location), /too-many-attempts/);
    }
    assert.equal(await rows(), before, 'and fill no table');
    const neighbour = app.client('198.51.100.7');
    neighbour.cookies.set('device', pats.cookies.get('device')!);
    assert.ok(opens(await neighbour.get(link())), 'who is connected is not held up by a neighbour');
  });

  describe('a stolen device cookie', () => {
    it('that was used up ends the device for both, and is reported', async () => {
      const stolen = pats.cookies.get('device')!;
      assert.ok(opens(await pats.get(link())));
      pats.cookies.delete('session');
      app.later(60);
      assert.ok(opens(await pats.get(link(OTHER_PATIENT))));
      app.later(60);
      const thief = app.client('198.51.100.7');
      thief.cookies.set('device', stolen);
      assert.equal((await thief.get(link())).headers.location, CONNECT);
      assert.equal(app.launches().at(-1)?.outcome, 'device-cookie-reused');
      pats.cookies.delete('session');
      app.later(200);
      assert.equal(
        (await pats.get(link())).headers.location,
        CONNECT,
        'nobody knows which of the two was hers',
      );
      assert.match(await reports(), /used twice: possibly stolen/);
    });

    it('that the thief uses first is found when its owner comes', async () => {
      const stolen = pats.cookies.get('device')!;
      const thief = app.client('198.51.100.7');
      thief.cookies.set('device', stolen);
      await thief.get(link(OTHER_PATIENT));
      thief.cookies.delete('session');
      app.later(60);
      await thief.get(link(OTHER_PATIENT));
      app.later(200);
      await pats.get(link());
      assert.equal(app.launches().at(-1)?.outcome, 'device-cookie-reused');
      thief.cookies.delete('session');
      app.later(200);
      assert.equal((await thief.get(link(OTHER_PATIENT))).headers.location, CONNECT);
    });

    it('is told from two tabs that open at once, and from an answer that never arrived', async () => {
      const cookie = pats.cookies.get('device')!;
      const other = app.client();
      other.cookies.set('device', cookie);
      const both = await Promise.all([pats.get(link()), other.get(link(OTHER_PATIENT))]);
      assert.ok(both.every(opens));
      pats.cookies.set('device', cookie);
      pats.cookies.delete('session');
      app.later(600);
      assert.ok(opens(await pats.get(link())), 'the newest cookie was lost on its way');
    });

    it('is nothing a stranger can make up', async () => {
      const thief = app.client('198.51.100.7');
      for (const cookie of ['A'.repeat(43), '', 'x', `${pats.cookies.get('device')}x`]) {
        thief.cookies.set('device', cookie);
        assert.equal((await thief.get(link(OTHER_PATIENT))).headers.location, CONNECT);
      }
      assert.ok(opens(await pats.get(link())));
    });
  });

  it('a planted session is not the one that opens the record', async () => {
    const attackers = await signedInTo(app, 'sam@example.org');
    const planted = attackers.cookies.get('session')!;
    for (const cookie of [planted, 'A'.repeat(43)]) {
      pats.cookies.set('session', cookie);
      assert.ok(opens(await pats.get(link())));
      assert.notEqual(pats.cookies.get('session'), cookie);
      attackers.cookies.set('session', cookie);
      assert.equal((await attackers.get('/record')).statusCode, 303);
    }
  });

  it('a link waiting to be connected is used once, by the browser it waits for', async () => {
    const client = app.client('198.51.100.7');
    await client.get(link({ userName: 'twice0001', ...OTHER_PATIENT }));
    await client.get(CONNECT);
    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    await client.get(CONNECT);
    const cookies = new Map(client.cookies);
    const both = await Promise.all([client.post(CONNECT), client.post(CONNECT)]);
    assert.deepEqual(both.map((answer) => (opens(answer) ? 'opened' : answer.statusCode)).sort(), [
      410,
      'opened',
    ]);
    for (const [name, value] of cookies) client.cookies.set(name, value);
    assert.equal((await client.post(CONNECT)).statusCode, 410);
    const other = app.client('198.51.100.8');
    assert.equal((await other.get(CONNECT)).statusCode, 410);
    const { rows } = await db.database.owner.query(
      `select from launch_pairing where user_name = 'twice0001'`,
    );
    assert.equal(rows.length, 1);
  });

  it('waits ten minutes and no longer', async () => {
    const client = app.client('198.51.100.7');
    await client.get(link({ userName: 'slow0001', ...OTHER_PATIENT }));
    app.later(601);
    assert.equal((await client.get(CONNECT)).statusCode, 410);
  });

  it('the form that connects cannot be sent from another site', async () => {
    const client = await signedInTo(app, 'pat@example.org', '198.51.100.7');
    await client.get(link({ userName: 'forged001', ...OTHER_PATIENT }));
    await client.get(CONNECT);
    assert.equal((await client.post(CONNECT, {}, { 'sec-fetch-site': 'cross-site' })).statusCode, 403);
    assert.equal((await client.post(CONNECT, { _csrf: 'made-up' })).statusCode, 403);
  });

  it('no launch leads out of the service', async () => {
    for (const tail of ['&next=https://evil.example', '&landing=//evil.example', '#//evil.example']) {
      const answer = await pats.get(link() + tail);
      assert.match(String(answer.headers.location), /^\/(record|systmone)/);
    }
    const page = await pats.get('/systmone/refused/https:%2F%2Fevil.example?reference=%3Cscript%3E');
    assert.equal(page.statusCode, 410);
    assert.doesNotMatch(page.body, /evil|<script>/);
  });

  it('no page of a launch can be put into a frame or read by another site', async () => {
    const client = app.client('198.51.100.7');
    const pages = [
      await client.get(link(OTHER_PATIENT)),
      await client.get(CONNECT),
      await client.get('/systmone/refused/launch-unreadable'),
    ];
    for (const { headers } of pages) {
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(headers['referrer-policy'], 'no-referrer');
    }
    assert.match(
      String(pages[0]!.headers['set-cookie']),
      /device=[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax/,
    );
  });

  it('the database alone tells no key, no user name that waits, and no patient', async () => {
    await app.client('198.51.100.7').get(link({ userName: 'hidden0001', ...OTHER_PATIENT }));
    const { rows } = await db.database.owner.query('select * from launch_request');
    assert.ok(rows.length > 0);
    const all = JSON.stringify(rows, (_, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value,
    );
    assert.doesNotMatch(all, /hidden0001|9449304513|1934-10-23/);
  });
});
