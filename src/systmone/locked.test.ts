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
import { PASSWORD } from '../../test/support/sign-in-app.ts';

describe('a session in which a launch opened a record for one patient alone', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let link: Awaited<ReturnType<typeof linkWriter>>;

  before(async () => {
    db = await testDatabase();
    world = await launchWorld(db.database);
    app = await launchApp(db.database, { realRecord: true });
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    const { owner } = db.database;
    for (const table of ['launch_request', 'launch_use', 'launch_pairing_device', 'launch_pairing']) {
      await owner.query(`delete from ${table}`);
    }
    await owner.query('delete from attempt');
    await setUp();
  });

  async function setUp(changes: Record<string, string> = {}) {
    await db.database.owner.query(
      'update launch_configuration set withdrawn_at = now() where withdrawn_at is null',
    );
    const { keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'), changes);
    link = await linkWriter(app, db, keyId);
  }
  const pageOf = (answer: { headers: Record<string, unknown> }) => {
    const page = String(answer.headers.location);
    assert.match(page, /^\/record\?/);
    return page;
  };
  const search = (client: PageClient) => {
    const [year = '', month = '', day = ''] = OTHER_PATIENT.birthDate.split('-');
    const born = { 'birth-day': day, 'birth-month': month, 'birth-year': year };
    return client.post('/patients', { number: OTHER_PATIENT.nhsNumber, ...born });
  };
  async function finds(client: PageClient) {
    assert.equal((await client.get('/patients')).statusCode, 200);
    return pageOf(await search(client));
  }
  async function findsNobody(client: PageClient) {
    for (const answer of [await client.get('/patients'), await search(client)]) {
      assert.equal(answer.statusCode, 403);
      assert.match(textOf(answer.body), /You cannot look for another patient here/);
      assert.deepEqual(await htmlProblems(answer.body), []);
    }
  }

  it('finds no other patient, even when the person signed in to connect', async () => {
    const client = app.client();
    const record = await client.get(pageOf(await connectBySigningIn(client, link(), 'pat@example.org')));
    assert.match(textOf(record.body), /for this patient alone/);
    await findsNobody(client);
    client.cookies.delete('session');
    pageOf(await client.get(link()));
    await findsNobody(client);
  });

  it('finds no other patient, even when the person was signed in before', async () => {
    const client = await signedInTo(app, 'pat@example.org');
    await finds(client);
    await client.get(link());
    await client.get(CONNECT);
    pageOf(await client.post(CONNECT));
    await findsNobody(client);
  });

  it('shows no record that was found before, and never one in the place of the other', async () => {
    const client = await signedInTo(app, 'pat@example.org');
    const found = await finds(client);
    const dob = /23-Oct-1934/;
    assert.match(textOf((await client.get(found)).body), dob);
    app.later(1);
    await client.get(link());
    await client.get(CONNECT);
    const launched = pageOf(await client.post(CONNECT));
    for (const page of [found, found.replace('summary', 'letters'), found.replace('?', '/break-glass?')]) {
      const answer = await client.get(page);
      assert.equal(answer.statusCode, 404);
      assert.doesNotMatch(textOf(answer.body), dob);
    }
    assert.match(textOf((await client.get('/record')).body), /01-Dec-1980/);
    assert.match(textOf((await client.get(launched)).body), /01-Dec-1980/);
  });

  it('shows the patients of several launches, each in its own tab', async () => {
    const client = app.client();
    const first = pageOf(await connectBySigningIn(client, link(), 'pat@example.org'));
    app.later(1);
    const second = pageOf(await client.get(link(OTHER_PATIENT)));
    assert.match(textOf((await client.get(first)).body), /01-Dec-1980/);
    assert.match(textOf((await client.get(second)).body), /23-Oct-1934/);
    await findsNobody(client);
  });

  it('stays locked while the record is open, whatever the same session opens besides', async () => {
    const client = app.client();
    pageOf(await connectBySigningIn(client, link(), 'pat@example.org'));
    await setUp({ allowSwitch: 'yes' });
    app.later(1);
    pageOf(await client.get(link(OTHER_PATIENT)));
    await findsNobody(client);
  });

  it('is free again once the person signs in anew', async () => {
    const client = app.client();
    const launched = pageOf(await connectBySigningIn(client, link(), 'pat@example.org'));
    await client.post('/sign-out');
    await client.get('/sign-in');
    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD });
    await finds(client);
    assert.equal((await client.get(launched)).statusCode, 404, 'and has left the record behind');
  });

  it('is not locked where the organisation allows other patients', async () => {
    await setUp({ allowSwitch: 'yes' });
    const client = app.client();
    pageOf(await connectBySigningIn(client, link(), 'pat@example.org'));
    await finds(client);
    client.cookies.delete('session');
    pageOf(await client.get(link()));
    await finds(client);
  });

  it("locks nobody else's session, nor the person's own in another browser", async () => {
    const elsewhere = await signedInTo(app, 'pat@example.org');
    const client = app.client();
    pageOf(await connectBySigningIn(client, link(), 'pat@example.org'));
    await finds(elsewhere);
  });

  it('is locked by a link that works once, too', async () => {
    const client = await signedInTo(app, 'pat@example.org');
    const { sessions } = await launchedOnce(client);
    assert.equal(sessions, 1);
    await findsNobody(client);
  });

  /** What a one-time launch leaves behind: its link asks for a locked record (one-time-launch.ts). */
  async function launchedOnce(client: PageClient) {
    const { rowCount } = await db.database.owner.query(
      `insert into record_context (id, session_hash, account_id, organisation_id, route, patient_id, locked,
                                   break_glass, opened_by, created_at, expires_at)
       select 'A' || left(encode(s.id_hash, 'hex'), 21), s.id_hash, s.account_id, s.organisation_id, p.route, p.id, true,
              false, 'one-time', $2, $2::timestamptz + interval '4 hours'
         from staff_session s, patient p where s.id_hash = sha256($1::bytea) and p.id = $3`,
      [client.cookies.get('session'), app.clock.now, world.patient],
    );
    return { sessions: rowCount };
  }

  it('tries links with the open patient alone', async () => {
    const cora = await signedInTo(app, 'cora@example.org');
    assert.match(textOf((await cora.get(`${HOME}/try`)).body), /944 930 4513/);
    await cora.get(link({ userName: 'cday0001' }));
    await cora.get(CONNECT);
    pageOf(await cora.post(CONNECT));
    const page = await cora.get(`${HOME}/try`);
    assert.match(page.body, /<option value="cday0001">Cora Day</);
    assert.match(textOf(page.body), /943 476 5919/);
    assert.doesNotMatch(textOf(page.body), /944 930 4513|for another patient/);
    assert.deepEqual(await htmlProblems(page.body), []);
    const tried = { userName: 'cday0001', practice: 'ZX1' };
    const other = await cora.post(`${HOME}/try`, {
      ...tried,
      nhsNumber: OTHER_PATIENT.nhsNumber,
      birthDate: '23/10/1934',
    });
    assert.equal(other.statusCode, 422);
    assert.match(textOf(other.body), /Choose the patient whose record is open/);
    assert.equal((await cora.post(`${HOME}/try`, { ...tried, patient: world.other })).statusCode, 422);
    assert.equal((await cora.post(`${HOME}/try`, { ...tried, patient: world.patient })).statusCode, 200);
  });

  it("keeps an administrator's own work where it was", async () => {
    const ada = await signedInTo(app, 'ada@example.org');
    await ada.get(link({ userName: 'amin0001' }));
    await ada.get(CONNECT);
    pageOf(await ada.post(CONNECT));
    assert.equal((await ada.get('/connected-systems/add')).statusCode, 200);
  });
});
