import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import {
  addPatient,
  type LaunchApp,
  launchApp,
  launchWorld,
  OTHER_PATIENT,
  PATIENT,
  signedInTo,
} from '../../test/support/launch-app.ts';
import {
  CONNECT,
  connectBySigningIn,
  copyableValue,
  HOME,
  linkWriter,
  setUpLink,
} from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { PASSWORD } from '../../test/support/sign-in-app.ts';
import { hashNumbers } from '../audit/audit.ts';

describe('launching from SystmOne', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let keyId: string;
  let link: Awaited<ReturnType<typeof linkWriter>>;

  before(async () => {
    db = await testDatabase();
    app = await launchApp(db.database);
    world = await launchWorld(db.database);
  });
  after(async () => {
    await db?.stop();
  });
  beforeEach(async () => {
    app.reset();
    for (const table of [
      'launch_request',
      'launch_use',
      'launch_pairing_device',
      'launch_pairing',
      'launch_event',
    ]) {
      await db.database.owner.query(`delete from ${table}`);
    }
    await db.database.owner.query('delete from attempt');
    await db.database.owner.query('update account set totp_last_step = null');
    await db.database.owner.query(
      'update launch_configuration set withdrawn_at = now() where withdrawn_at is null',
    );
    ({ keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'), {
      allowBreakGlass: 'yes',
      landing: 'results',
    }));
    link = await linkWriter(app, db, keyId);
    app.audit.length = 0;
  });
  after(() => app?.app.close());

  /** A browser that is connected as Pat. */
  async function connected(address?: string) {
    const client = app.client(address);
    const opened = await connectBySigningIn(client, link(), 'pat@example.org');
    assert.match(String(opened.headers.location), /^\/record\?/);
    return client;
  }

  /** A later visit of the same browser, in which nobody is signed in any more. */
  const signedOut = (client: PageClient) => {
    client.cookies.delete('session');
    return client;
  };
  const refusedAs = async (client: PageClient, url: string) => {
    const answer = await client.get(url);
    assert.equal(answer.statusCode, 303);
    const page = await client.get(String(answer.headers.location));
    return { location: String(answer.headers.location).split('?')[0], page };
  };

  it('asks who somebody is the first time, and opens the record with one click from then on', async () => {
    const client = app.client();
    const launched = await client.get(link());
    assert.equal(launched.statusCode, 303);
    assert.equal(launched.headers.location, CONNECT);
    const page = await client.get(CONNECT);
    assert.equal(page.statusCode, 200);
    assert.match(textOf(page.body), /You came from SystmOne as the user psmith0101 to Harbour Trust/);
    assert.deepEqual(await htmlProblems(page.body), []);

    await client.post('/sign-in', { email: 'pat@example.org', password: PASSWORD, next: CONNECT });
    const ready = await client.get(CONNECT);
    assert.match(textOf(ready.body), /You are signed in as Pat Smith/);
    const opened = await client.post(CONNECT);
    assert.equal(opened.statusCode, 303);
    const record = (await client.get(String(opened.headers.location))).json();
    assert.deepEqual(record, {
      patientId: world.patient,
      locked: true,
      breakGlass: true,
      section: 'results',
      role: 'professional',
      name: 'Pat Smith',
    });

    signedOut(client);
    app.later(3600);
    const again = await client.get(link(OTHER_PATIENT));
    assert.match(String(again.headers.location), /^\/record\?section=results&c=[\w-]{22}$/);
    assert.equal((await client.get(String(again.headers.location))).json().patientId, world.other);
  });

  it('keeps every identifier out of the addresses after the first, of cookies and of pages that refuse', async () => {
    const client = await connected();
    const opened = await client.get(link());
    const seen = [String(opened.headers.location), JSON.stringify(opened.headers['set-cookie'])];
    const waiting = app.client('192.0.2.9');
    await waiting.get(link({ userName: 'else1234', ...OTHER_PATIENT }));
    seen.push((await waiting.get(CONNECT)).body, [...waiting.cookies].join());
    for (const text of seen) {
      assert.doesNotMatch(text, /9434765919|943 476 5919|9449304513|1980-12-01|1934|Testpatient/);
      assert.ok(!text.includes(world.patient) && !text.includes(world.other));
    }
    assert.equal(opened.headers['referrer-policy'], 'no-referrer');
    assert.equal(opened.headers['cache-control'], 'no-store');
    assert.equal(opened.headers['x-frame-options'], 'DENY');
    assert.match(String(opened.headers['content-security-policy']), /frame-ancestors 'none'/);
  });

  it('records each launch before it is answered, and opens nothing when it cannot', async () => {
    const client = await connected();
    app.audit.length = 0;
    await client.get(link());
    const [entry] = app.launches();
    assert.equal(entry?.interaction, 'launch');
    assert.equal(entry?.outcome, 'allowed');
    assert.equal(entry?.accountId, world.pat);
    assert.equal(entry?.organisationId, world.harbour);
    assert.deepEqual(entry?.patients, [world.patient]);
    assert.doesNotMatch(JSON.stringify(app.audit), /psmith0101|9434765919|1980-12-01/);

    signedOut(client);
    app.faults.audit = true;
    const failed = await client.get(link());
    assert.equal(failed.statusCode, 503);
    assert.equal(failed.headers['set-cookie'], undefined, 'no session, no new device cookie');
    app.faults.audit = false;
    const later = await client.get(link());
    assert.match(String(later.headers.location), /^\/record\?/, 'the browser is still connected');
  });

  it('opens two patients in two tabs without mixing them up', async () => {
    const client = await connected();
    app.later(1);
    const first = String((await client.get(link())).headers.location);
    app.later(1);
    const second = String((await client.get(link(OTHER_PATIENT))).headers.location);
    assert.equal((await client.get(first)).json().patientId, world.patient);
    assert.equal((await client.get(second)).json().patientId, world.other);
    assert.equal((await client.get(`${first.slice(0, -1)}x`)).statusCode, 404, 'another id is no record');
    assert.equal((await client.get('/record')).json().patientId, world.other, 'without one, the last');
  });

  it("gives a session no more than a professional's powers, and leaves an administrator's own alone", async () => {
    const client = await signedInTo(app, 'ada@example.org');
    await client.get(link({ userName: 'amin0001' }));
    await client.get(CONNECT);
    assert.match(String((await client.post(CONNECT)).headers.location), /^\/record\?/);
    assert.equal(
      (await client.get('/connected-systems/add')).statusCode,
      200,
      'signed in, she administers still',
    );
    assert.equal((await client.get('/record')).json().role, 'administrator');

    signedOut(client);
    await client.get(link({ userName: 'amin0001' }));
    assert.equal((await client.get('/record')).json().role, 'professional');
    assert.equal((await client.get('/connected-systems/add')).statusCode, 403);
    assert.equal((await client.get(`${HOME}/new`)).statusCode, 403);
    await client.get('/account/systmone');
    assert.equal((await client.post('/account/systmone/codes')).statusCode, 403, 'no new connections either');
    assert.match(String((await client.get('/account/organisation')).headers.location), /^\//);
    assert.equal((await client.get('/sign-in')).statusCode, 200, 'she may sign in for more');
  });

  it('ends what somebody else had open in this browser', async () => {
    const client = await connected();
    signedOut(client);
    await client.get('/sign-in');
    await client.post('/sign-in', { email: 'sam@example.org', password: PASSWORD });
    const sams = client.cookies.get('session')!;
    await client.get(link());
    assert.equal((await client.get('/record')).json().name, 'Pat Smith');
    client.cookies.set('session', sams);
    assert.equal((await client.get('/record')).statusCode, 303, 'his session ended');
  });

  it('opens again with a click when the session has expired', async () => {
    const client = await connected();
    app.later(31 * 60);
    assert.match(String((await client.get('/record')).headers.location), /^\/sign-in/);
    assert.match(String((await client.get(link())).headers.location), /^\/record\?/);
    app.later(13 * 3600);
    assert.match(String((await client.get(link())).headers.location), /^\/record\?/);
  });

  describe('says on a page of its own', () => {
    it('that a patient is unknown, at other organisations too, or born on another day: all alike', async () => {
      const client = await connected();
      const pages = [];
      for (const fields of [
        { nhsNumber: '9999999999', birthDate: '1980-12-01' },
        { nhsNumber: '9000000009', birthDate: '1970-01-01' },
        { birthDate: '1980-12-02' },
      ]) {
        const { location, page } = await refusedAs(client, link(fields));
        assert.equal(location, '/systmone/refused/patient-not-found');
        assert.equal(page.statusCode, 404);
        pages.push(page.body.replace(/[0-9a-f-]{36}/g, '').replace(/value="[\w-]{43}"/g, ''));
        assert.deepEqual(await htmlProblems(page.body), []);
      }
      assert.equal(new Set(pages).size, 1);
      assert.deepEqual(
        app
          .launches()
          .slice(-3)
          .map(({ outcome }) => outcome),
        ['patient-not-found', 'patient-not-found', 'birth-date-mismatch'],
      );
      assert.doesNotMatch(pages[0]!, /type="search"|role="search"/, 'never a search');
      const named = app.launches().map((entry) => entry.named);
      assert.deepEqual(
        named.slice(-3),
        ['9999999999', '9000000009', PATIENT.nhsNumber].map((number) =>
          hashNumbers(app.context.secrets, [number]),
        ),
        'so that the patient sees who tried',
      );
      assert.ok(
        named.slice(0, -3).every((some) => !some?.length),
        'nobody unknown names a patient',
      );
    });

    it('that a record was joined with another', async () => {
      await addPatient(db.database, [world.harbour], '9000000017', '1980-12-01', {
        link: [{ other: { reference: 'Patient/x' }, type: 'replaced-by' }],
      });
      const client = await connected();
      const { page } = await refusedAs(client, link({ nhsNumber: '9000000017' }));
      assert.equal(page.statusCode, 409);
      assert.match(textOf(page.body), /This record was joined with another one/);
    });

    it('that the practice is not listed, the link withdrawn, never made, unreadable', async () => {
      const client = await connected();
      const wrong = await refusedAs(client, link({ organisation: 'ZX2' }));
      assert.equal(wrong.page.statusCode, 403);
      const unreadable = await refusedAs(client, `/systmone/launch/${keyId}?org=00`);
      assert.equal(unreadable.page.statusCode, 400);
      const none = await refusedAs(client, `/systmone/launch/${'A'.repeat(22)}?org=00`);
      await db.database.owner.query(
        'update launch_configuration set withdrawn_at = now() where key_id = $1',
        [keyId],
      );
      const withdrawn = await refusedAs(client, link());
      assert.equal(withdrawn.page.statusCode, 410);
      assert.equal(none.location, withdrawn.location);
      for (const { page } of [wrong, unreadable, none, withdrawn])
        assert.deepEqual(await htmlProblems(page.body), []);
    });

    it('that a link is outside the time it was made for', async () => {
      await db.database.owner.query('update launch_configuration set withdrawn_at = now()');
      const cora = await signedInTo(app, 'cora@example.org');
      const somerset = await setUpLink(cora, { profile: 'somerset', understood: 'yes' });
      link = await linkWriter(app, db, somerset.keyId);
      const client = await connected();
      const at = (seconds: number) => new Date(app.clock.now.getTime() + seconds * 1000);
      assert.match(
        String((await client.get(link({ expires: at(60), notBefore: at(-60) }))).headers.location),
        /^\/record/,
      );
      for (const fields of [{ expires: at(0) }, { expires: at(-1) }, { notBefore: at(120) }]) {
        const { page } = await refusedAs(client, link(fields));
        assert.equal(page.statusCode, 410);
        assert.match(textOf(page.body), /too old or too new/);
      }
    });
  });

  describe('ends', () => {
    const needsConnecting = async (client: PageClient) =>
      assert.equal((await signedOut(client).get(link())).headers.location, CONNECT);

    it('with the role of the person, and does not come back with it', async () => {
      const client = await connected();
      const owner = db.database.owner;
      await owner.query('update staff_role set ended_at = now() where account_id = $1', [world.pat]);
      await needsConnecting(client);
      await owner.query('update staff_role set ended_at = null where account_id = $1', [world.pat]);
      await needsConnecting(client);
    });

    it('with the account', async () => {
      const client = await connected();
      const owner = db.database.owner;
      await owner.query('update account set disabled_at = now() where id = $1', [world.pat]);
      await needsConnecting(client);
      await owner.query('update account set disabled_at = null where id = $1', [world.pat]);
      await needsConnecting(client);
    });

    it('by the person, and by an administrator of the organisation alone', async () => {
      const client = await connected();
      const page = await client.get('/account/systmone');
      assert.match(textOf(page.body), /psmith0101 \(SystmOne\) 1 browser/);
      assert.deepEqual(await htmlProblems(page.body), []);
      const pairing = /name="pairing" value="([^"]+)"/.exec(page.body)![1]!;

      const cora = await signedInTo(app, 'cora@example.org');
      const list = await cora.get(HOME);
      assert.match(textOf(list.body), /Person Pat Smith User name psmith0101/);
      assert.equal((await cora.post(`${HOME}/people/${pairing}/end`)).statusCode, 403);
      const sam = await signedInTo(app, 'sam@example.org');
      await sam.get('/account/systmone');
      await sam.post('/account/systmone/end', { pairing });
      assert.match(String((await client.get(link())).headers.location), /^\/record/, 'not his to end');

      await client.get('/account/systmone');
      await client.post('/account/systmone/end', { pairing });
      await needsConnecting(client);

      const again = await connected();
      const ada = await signedInTo(app, 'ada@example.org');
      const people = await ada.get(HOME);
      const action = /href="(\/connected-systems\/systmone\/people\/[^"]+\/end)"/.exec(people.body)![1]!;
      assert.deepEqual(await htmlProblems(people.body), []);
      const ask = await ada.get(action);
      assert.match(textOf(ask.body), /End the connection of Pat Smith with psmith0101\?/);
      assert.deepEqual(await htmlProblems(ask.body), []);
      assert.equal((await cora.get(action)).statusCode, 403);
      await ada.post(action);
      await needsConnecting(again);
    });
  });

  describe('with codes', () => {
    async function makeCodes(email = 'pat@example.org') {
      const client = await signedInTo(app, email);
      await client.get('/account/systmone');
      const page = await client.post('/account/systmone/codes');
      assert.equal(page.statusCode, 200);
      assert.deepEqual(await htmlProblems(page.body), []);
      const code = (id: string) => copyableValue(page.body, `${id}-code`);
      return { first: code('first'), second: code('second') };
    }
    const typeCodes = async (client: PageClient, codes: { first: string; second: string }) => {
      await client.get(link());
      await client.get(CONNECT);
      return client.post('/systmone/connect/codes', codes);
    };

    it('connects a browser without a password there, once', async () => {
      const codes = await makeCodes();
      const client = app.client();
      const opened = await typeCodes(client, { ...codes, first: codes.first.toLowerCase() });
      assert.match(String(opened.headers.location), /^\/record/);
      assert.equal((await client.get('/record')).json().name, 'Pat Smith');
      const second = await typeCodes(app.client('192.0.2.3'), codes);
      assert.equal(second.statusCode, 422);
      assert.deepEqual(await htmlProblems(second.body), []);
    });

    it('are of no use after new ones were made, after a day, or for another organisation', async () => {
      const old = await makeCodes();
      const newer = await makeCodes();
      assert.equal((await typeCodes(app.client(), old)).statusCode, 422, 'new ones end the old');
      assert.equal(
        (await typeCodes(app.client('192.0.2.4'), { ...newer, second: old.second })).statusCode,
        422,
      );
      const foreign = await makeCodes('max@example.org');
      assert.equal((await typeCodes(app.client('192.0.2.5'), foreign)).statusCode, 422);
      app.later(24 * 3600 + 1);
      assert.equal((await typeCodes(app.client('192.0.2.6'), newer)).statusCode, 422);
    });

    it('cannot be guessed for long', async () => {
      const client = app.client('198.51.100.1');
      let last = 422;
      for (let tries = 0; tries < 30 && last === 422; tries += 1) {
        await client.get(link());
        await client.get(CONNECT);
        last = (
          await client.post('/systmone/connect/codes', {
            first: `CCCCCCC${100 + tries}`.replace(/\d/g, (d) => 'CDFGHJKMNP'[Number(d)]!),
            second: 'CCCCCCCCCC',
          })
        ).statusCode;
      }
      assert.equal(last, 429);
    });
  });
});
