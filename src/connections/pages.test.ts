import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type ConnectionsApp, connectionsApp, fieldsOf } from '../../test/support/connections-app.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { textOf } from '../../test/support/page-client.ts';

const HOSTILE = `<script>alert(1)</script>"'{{ 7*7 }}&amp;`;

describe('the pages of connected systems', () => {
  let db: TestDatabase;
  let app: ConnectionsApp;
  let organisation: { id: string; odsCode: string; name: string };
  let administrator: Awaited<ReturnType<ConnectionsApp['world']['staff']>>;

  before(async () => {
    db = await testDatabase();
    app = await connectionsApp(db.database);
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    organisation = await app.world.organisation();
    administrator = await app.world.staff(organisation.id, 'administrator', 'Ada Min');
    await db.database.owner.query('delete from attempt');
  });

  /** Grants through the pages as a person would, with no field touched. */
  async function grantByPages(clientId: string, as = administrator) {
    const client = await app.signedIn(as);
    const action = `/connected-systems/add/${clientId}`;
    const review = await client.get(action);
    assert.equal(review.statusCode, 200, textOf(review.body));
    const granted = await client.post(action, fieldsOf(review.body, action));
    assert.equal(granted.statusCode, 303, textOf(granted.body));
    const page = String(granted.headers.location);
    return { client, review, page, connectionId: page.split('/')[2]! };
  }

  describe('the list', () => {
    it('says how to begin when nothing is connected', async () => {
      const client = await app.signedIn(administrator);
      const page = await client.get('/connected-systems');
      assert.equal(page.statusCode, 200);
      assert.match(textOf(page.body), /No system is connected yet/);
      assert.match(page.body, /href="\/connected-systems\/add"/);
      assert.deepEqual(await htmlProblems(page.body), []);
    });

    it('shows system, company, client ID, permissions, status, who granted it and when it was last used', async () => {
      const clientId = await app.world.system({ name: 'Ward Viewer', company: 'Viewers Ltd' });
      const { connectionId, client } = await grantByPages(clientId);
      await call(connectionId, 'allowed');
      const page = await client.get('/connected-systems');
      const text = textOf(page.body);
      for (const part of [
        'Ward Viewer',
        'Viewers Ltd',
        clientId,
        'Read and search patients’ details',
        'Active',
        'by Ada Min',
        'Revoke access',
      ])
        assert.ok(text.includes(part), `${part} in ${text}`);
      assert.doesNotMatch(text, /Never/);
      assert.deepEqual(await htmlProblems(page.body), []);
    });

    it('is shown to coordinators and professionals without a way to change anything', async () => {
      const { connectionId } = await grantByPages(await app.world.system());
      for (const role of ['coordinator', 'professional'] as const) {
        const client = await app.signedIn(await app.world.staff(organisation.id, role));
        for (const url of ['/connected-systems', `/connected-systems/${connectionId}`]) {
          const page = await client.get(url);
          assert.equal(page.statusCode, 200);
          assert.doesNotMatch(
            page.body,
            /connected-systems\/add|\/revoke|\/suspend|Revoke access|Add connection/,
          );
        }
      }
    });

    it('filters by status and text, sorts by each column, and pages by twenty', async () => {
      for (let n = 1; n <= 22; n++) {
        const clientId = await app.world.system({ name: `Viewer ${n}`, company: `Company ${23 - n}` });
        await insertConnection(clientId, n === 7 ? 'revoked' : 'active');
      }
      const client = await app.signedIn(administrator);
      const names = async (query: string) => {
        const page = await client.get(`/connected-systems${query}`);
        assert.equal(page.statusCode, 200, query);
        return [...page.body.matchAll(/<a href="\/connected-systems\/[^"/]+">(Viewer \d+)</g)].map(
          ([, name]) => name,
        );
      };
      const all = Array.from({ length: 22 }, (_, n) => `Viewer ${n + 1}`);
      assert.deepEqual(await names(''), all.slice(0, 20));
      assert.deepEqual(await names('?page=2'), all.slice(20));
      assert.deepEqual(await names('?page=99'), all.slice(20), 'a page past the end is the last');
      assert.deepEqual(await names('?page=-1&sort=nonsense&direction=x&status=y'), all.slice(0, 20));
      assert.deepEqual(await names('?status=revoked'), ['Viewer 7']);
      assert.deepEqual(await names('?search=viewer+22'), ['Viewer 22']);
      assert.deepEqual(await names('?search=%25'), [], 'a per cent sign stands for itself');
      assert.deepEqual((await names('?sort=system&direction=descending')).slice(0, 2), [
        'Viewer 22',
        'Viewer 21',
      ]);
      assert.deepEqual((await names('?sort=company')).slice(0, 2), ['Viewer 22', 'Viewer 21']);
      assert.equal((await names('?sort=status&direction=descending'))[0], 'Viewer 7');
      for (const sort of ['granted', 'used']) assert.equal((await names(`?sort=${sort}`)).length, 20);
      const none = await client.get('/connected-systems?search=nothing-like-it');
      assert.match(textOf(none.body), /No connection matches/);
      assert.deepEqual(
        await htmlProblems((await client.get('/connected-systems?page=2&sort=company')).body),
        [],
      );
    });

    it("shows nothing of another organisation's", async () => {
      await grantByPages(await app.world.system({ name: 'Only ours' }));
      const stranger = await app.signedIn(await app.world.staff((await app.world.organisation()).id));
      assert.doesNotMatch((await stranger.get('/connected-systems')).body, /Only ours/);
    });
  });

  describe('the search', () => {
    const results = async (search: string, person = administrator) => {
      const client = await app.signedIn(person);
      const page = await client.get(`/connected-systems/add?search=${encodeURIComponent(search)}`);
      assert.deepEqual(await htmlProblems(page.body), []);
      return page;
    };
    const found = async (search: string) =>
      [...(await results(search)).body.matchAll(/href="\/connected-systems\/add\/([^"]+)"/g)].map(
        ([, id]) => id,
      );

    it('finds a system by its name, its company or its client ID, forgiving case and white space alone', async () => {
      const clientId = await app.world.system({
        clientId: 'Kiosk-One.abc',
        name: 'Kiosk One  Plus',
        company: 'Kiosk Makers Ltd',
      });
      for (const exact of [
        'Kiosk One Plus',
        '  kiosk\tONE \u00a0plus ',
        'KIOSK MAKERS LTD',
        'kiosk-one.abc',
        ' Kiosk-One.abc ',
      ]) {
        assert.deepEqual(await found(exact), [clientId], exact);
      }
      for (const near of [
        'Kiosk One',
        'Kiosk One Plus.',
        'KioskOnePlus',
        'Kiosk One Pluss',
        'Kiosk',
        'one-abc',
        'Kiosk-One_abc',
      ]) {
        assert.deepEqual(await found(near), [], near);
      }
    });

    it('takes no pattern for a name', async () => {
      await app.world.system({ name: 'Pattern' });
      for (const pattern of [
        '%',
        '_',
        'Patt%',
        'P_ttern',
        '*',
        '.*',
        'Patt.*',
        '^pattern$',
        `' or '1'='1`,
        '\\',
      ]) {
        assert.deepEqual(await found(pattern), [], pattern);
      }
    });

    it('lists every live system of a company', async () => {
      const one = await app.world.system({ name: 'B of many', company: 'Many Ltd' });
      const two = await app.world.system({ name: 'A of many', company: 'Many Ltd' });
      await app.world.system({ name: 'C of many', company: 'Many Ltd', standing: 'draft' });
      assert.deepEqual(await found('many ltd'), [two, one]);
    });

    it('answers a system that is not live exactly as one that does not exist', async () => {
      for (const standing of ['draft', 'in-review', 'suspended'] as const) {
        await app.world.system({ clientId: `hidden-${standing}`, name: `Hidden ${standing}`, standing });
      }
      const plain = async (search: string) =>
        (await results(search)).body.replaceAll(search, 'SEARCH').replace(/value="[\w-]{43}"/g, '');
      const unknown = await plain('No such system');
      for (const standing of ['draft', 'in-review', 'suspended']) {
        assert.equal(await plain(`Hidden ${standing}`), unknown);
        assert.equal(await plain(`hidden-${standing}`), unknown);
      }
    });

    it('answers the review page of a system that is not live exactly as of one that does not exist', async () => {
      await app.world.system({ clientId: 'hidden-review', standing: 'suspended' });
      const client = await app.signedIn(administrator);
      const pages = await Promise.all(
        ['hidden-review', 'no-such-client', 'x%00y', HOSTILE].map((id) =>
          client.get(`/connected-systems/add/${encodeURIComponent(id)}`),
        ),
      );
      for (const page of pages) {
        assert.equal(page.statusCode, 404);
        assert.equal(page.body, pages[0]!.body);
        assert.match(textOf(page.body), /No third-party system found/);
      }
    });

    it('asks for something to search for, and refuses what no name can be', async () => {
      for (const search of ['', '   ', 'x'.repeat(201), 'a\0b']) {
        const page = await results(search);
        assert.equal(page.statusCode, 422, JSON.stringify(search));
        assert.match(page.body, /<title>Error: /);
      }
    });

    it('stops a person who guesses, with when to try again, and then finds nothing for them either', async () => {
      const clientId = await app.world.system({ name: 'Guessed right' });
      const client = await app.signedIn(administrator);
      let status = 200;
      for (let tries = 0; status === 200 && tries < 40; tries++) {
        status = (await client.get(`/connected-systems/add?search=guess${tries}`)).statusCode;
      }
      const refused = await client.get('/connected-systems/add?search=Guessed+right');
      assert.equal(refused.statusCode, 429);
      assert.ok(Number(refused.headers['retry-after']) > 0);
      assert.match(textOf(refused.body), /Too many searches/);
      assert.equal(
        (await client.get(`/connected-systems/add/${clientId}`)).statusCode,
        429,
        'by its address too',
      );
      assert.equal(app.audit.at(-1)!.outcome, 'too-many-attempts');
      const colleague = await app.signedIn(await app.world.staff(organisation.id));
      assert.equal((await colleague.get('/connected-systems/add?search=Guessed+right')).statusCode, 200);
    });

    it('counts guessed addresses of review pages, and not those that are right', async () => {
      const clientId = await app.world.system();
      const client = await app.signedIn(administrator);
      for (let n = 0; n < 30; n++) {
        assert.equal((await client.get(`/connected-systems/add/${clientId}`)).statusCode, 200);
      }
      let status = 404;
      for (let n = 0; status === 404 && n < 40; n++) {
        status = (await client.get(`/connected-systems/add/guess-${n}`)).statusCode;
      }
      assert.equal(status, 429);
    });

    it('says of a system found whether the organisation is or was connected to it', async () => {
      const clientId = await app.world.system({ name: 'Seen before' });
      const { client, connectionId } = await grantByPages(clientId);
      const active = await results('Seen before');
      assert.match(textOf(active.body), /Already has access, granted by Ada Min on \d+/);
      assert.doesNotMatch(active.body, /connected-systems\/add\//);
      await client.get(`/connected-systems/${connectionId}/revoke`);
      await client.post(`/connected-systems/${connectionId}/revoke`);
      assert.match(
        textOf((await results('Seen before')).body),
        /Had access that was revoked by Ada Min on \d+/,
      );
    });
  });

  describe('reviewing and granting', () => {
    it('shows everything of the system before the button', async () => {
      const clientId = await app.world.system({
        name: 'Letters',
        company: 'Post Ltd',
        purpose: 'Prints letters that nobody opened.',
        scopes: ['system/DocumentReference.cruds', 'system/Patient.rs'],
      });
      const patients = [organisation.id];
      await app.world.patient(patients, [
        { type: 'DocumentReference' },
        { type: 'DocumentReference' },
        { type: 'Condition' },
      ]);
      await app.world.patient(patients);
      const client = await app.signedIn(administrator);
      const page = await client.get(`/connected-systems/add/${clientId}`);
      const text = textOf(page.body);
      for (const part of [
        'Letters',
        'Post Ltd',
        clientId,
        'Prints letters that nobody opened.',
        'Sam Contact',
        'sam@company.example.org',
        'https://company.example.org/privacy',
        'system/DocumentReference.cruds',
        'system/Patient.rs',
        'Up to 2 patients',
        'Letters and documents: 2',
      ]) {
        assert.ok(text.includes(part), `${part} in ${text}`);
      }
      assert.doesNotMatch(text, /Problems and diagnoses/, 'only the kinds it asks for');
      assert.deepEqual(await htmlProblems(page.body), []);
    });

    it('grants everything that was shown with the button alone, then shows a page that survives a reload', async () => {
      const clientId = await app.world.system({ name: 'Plain path' });
      const { client, page, connectionId } = await grantByPages(clientId);
      const { rows } = await db.database.service.query(
        'select scopes, labels, expires_at, reason from connection where id = $1',
        [connectionId],
      );
      assert.deepEqual(rows[0], {
        scopes: ['system/Observation.cruds', 'system/Patient.rs'],
        labels: 15,
        expires_at: null,
        reason: null,
      });
      for (let reload = 0; reload < 2; reload++) {
        const confirmation = await client.get(page);
        assert.equal(confirmation.statusCode, 200);
        assert.match(textOf(confirmation.body), /Access granted/);
        assert.match(
          confirmation.body,
          new RegExp(`id="fhir-base">https://service.test/organisations/${organisation.id}/fhir/R4<`),
        );
        assert.deepEqual(await htmlProblems(confirmation.body), []);
      }
    });

    it('grants less when something is unticked, with an end date and a reason', async () => {
      const clientId = await app.world.system();
      const client = await app.signedIn(administrator);
      const action = `/connected-systems/add/${clientId}`;
      const review = await client.get(action);
      const fields = fieldsOf(review.body, action)
        .filter(([, value]) => !['system/Observation.cud', 'SEXUAL_HEALTH'].includes(value))
        .map(([name, value]): [string, string] => {
          const typed: Record<string, string> = {
            day: '30',
            month: ' 6',
            year: '2030',
            reason: ' Pilot\nof 2 wards ',
          };
          return [name, typed[name] ?? value];
        });
      const granted = await client.post(action, fields);
      assert.equal(granted.statusCode, 303);
      const confirmation = await client.follow(granted);
      assert.match(textOf(confirmation.body), /until the end of 30 June 2030/);
      assert.match(
        textOf(confirmation.body),
        /Only entries with these privacy labels: General health, Mental health, Social care/,
      );
      const { rows } = await db.database.service.query(
        'select id, scopes, labels, reason from connection where client_id = $1',
        [clientId],
      );
      assert.deepEqual(
        { ...rows[0], id: null },
        {
          id: null,
          scopes: ['system/Observation.rs', 'system/Patient.rs'],
          labels: 0b1011,
          reason: 'Pilot of 2 wards',
        },
      );
      const view = textOf((await client.get(`/connected-systems/${rows[0].id}`)).body);
      assert.match(view, /Asked for, not given/);
    });

    it('grants for the patients of some teams alone', async () => {
      const clientId = await app.world.system();
      const physio = await app.world.team(organisation.id, 'Physiotherapy');
      await app.world.team(organisation.id, 'Cardiology');
      const client = await app.signedIn(administrator);
      const action = `/connected-systems/add/${clientId}`;
      const fields = fieldsOf((await client.get(action)).body, action);
      assert.ok(!fields.some(([name]) => name === 'teams'), 'the plain path is for every team');
      const odd = await client.post(action, [...fields, ['teams', 'not a team']]);
      assert.equal(odd.statusCode, 422);
      const confirmation = await client.follow(await client.post(action, [...fields, ['teams', physio]]));
      assert.match(textOf(confirmation.body), /Only patients of these teams: Physiotherapy/);
    });

    it('says what is wrong with the form, keeps what was typed, and changes nothing', async () => {
      const clientId = await app.world.system();
      const client = await app.signedIn(administrator);
      const action = `/connected-systems/add/${clientId}`;
      const fields = Object.fromEntries(fieldsOf((await client.get(action)).body, action));
      const wrong: [Record<string, string>, RegExp][] = [
        [{ day: '31', month: '2', year: '2030' }, /must be a real date/],
        [{ day: '1', month: '', year: '2030' }, /must be a real date/],
        [{ day: '1', month: '1', year: '2020' }, /today or in the future/],
        [{ day: '1', month: '1', year: '2999' }, /within 10 years/],
        [{ day: 'x', month: '1', year: '2030' }, /must be a real date/],
        [{ reason: 'x'.repeat(501) }, /500 characters or fewer/],
      ];
      for (const [typed, message] of wrong) {
        const page = await client.post(action, { ...fields, ...typed });
        assert.equal(page.statusCode, 422);
        assert.match(textOf(page.body), message);
        for (const value of Object.values(typed)) assert.ok(page.body.includes(`value="${value}"`));
        assert.match(page.body, /<details class="nhsuk-details" open>/);
        assert.deepEqual(await htmlProblems(page.body), []);
      }
      for (const missing of ['scopes', 'labels']) {
        const page = await client.post(
          action,
          Object.entries(fields).filter(([name]) => name !== missing),
        );
        assert.equal(page.statusCode, 422);
        assert.match(textOf(page.body), /Choose at least one/);
      }
      const { rows } = await db.database.service.query('select from connection where client_id = $1', [
        clientId,
      ]);
      assert.equal(rows.length, 0);
    });

    it('shows the review again when the registration changed meanwhile', async () => {
      const clientId = await app.world.system({ scopes: ['system/Patient.rs'] });
      const client = await app.signedIn(administrator);
      const action = `/connected-systems/add/${clientId}`;
      const fields = fieldsOf((await client.get(action)).body, action);
      await db.database.owner.query(
        `update system set scopes = '{system/*.cruds}', permissions = '{*.c,*.r,*.u,*.d,*.s}' where client_id = $1`,
        [clientId],
      );
      const again = await client.post(action, fields);
      assert.equal(again.statusCode, 409);
      assert.match(textOf(again.body), /The details have changed/);
      assert.match(textOf(again.body), /system\/\*\.cruds/);
      const granted = await client.post(action, fieldsOf(again.body, action));
      assert.equal(granted.statusCode, 303, 'what is shown now can be granted');
    });

    it('tells the second of two who send it who granted access and when', async () => {
      const clientId = await app.world.system({ name: 'Raced' });
      const action = `/connected-systems/add/${clientId}`;
      const second = await app.signedIn(await app.world.staff(organisation.id));
      const review = await second.get(action);
      const { connectionId } = await grantByPages(clientId);
      const late = await second.post(action, fieldsOf(review.body, action));
      assert.equal(late.statusCode, 409);
      assert.match(textOf(late.body), /Raced already has access/);
      assert.match(textOf(late.body), /Access was granted by Ada Min on \d+ \w+ \d{4} at [\d:.]+ \w+/);
      assert.match(late.body, new RegExp(`href="/connected-systems/${connectionId}"`));
      assert.deepEqual(await htmlProblems(late.body), []);
      assert.doesNotMatch(
        (await second.get(action)).body,
        /name="reviewed"/,
        'the review page offers no second grant',
      );
    });
  });

  describe('revoking', () => {
    it('says what will stop, then shows when it stopped to the millisecond, also after a reload', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system({ name: 'Stopped' }));
      for (let n = 0; n < 3; n++) await call(connectionId, n ? 'allowed' : 'scope-insufficient');
      const ask = await client.get(`/connected-systems/${connectionId}/revoke`);
      assert.match(
        textOf(ask.body),
        /It made 3 calls for your organisation in the last 7 days, of which 1 were refused/,
      );
      assert.deepEqual(await htmlProblems(ask.body), []);
      const done = await client.post(`/connected-systems/${connectionId}/revoke`, {
        reason: 'Contract ended',
      });
      assert.equal(done.statusCode, 303);
      const { rows } = await db.database.service.query('select ended_at from connection where id = $1', [
        connectionId,
      ]);
      for (let reload = 0; reload < 2; reload++) {
        const page = await client.get(String(done.headers.location));
        assert.match(
          textOf(page.body),
          /Revoked by Ada Min for .+ on \d+ \w+ \d{4} at \d\d:\d\d:\d\d\.\d{3} \w+/,
        );
        assert.match(page.body, new RegExp(`datetime="${rows[0].ended_at.toISOString()}"`));
        assert.match(textOf(page.body), /Contract ended/);
        assert.deepEqual(await htmlProblems(page.body), []);
      }
    });

    it('tells whoever comes second by whom and when it was revoked', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system({ name: 'Gone' }));
      const second = await app.signedIn(await app.world.staff(organisation.id));
      await second.get(`/connected-systems/${connectionId}/revoke`);
      await client.get(`/connected-systems/${connectionId}/revoke`);
      await client.post(`/connected-systems/${connectionId}/revoke`);
      const late = await second.post(`/connected-systems/${connectionId}/revoke`);
      assert.equal(late.statusCode, 409);
      assert.match(textOf(late.body), /Gone is already revoked Access was already revoked by Ada Min on \d+/);
      const back = await second.get(`/connected-systems/${connectionId}/revoke`);
      assert.match(textOf(back.body), /Gone is already revoked/);
      assert.deepEqual(await htmlProblems(back.body), []);
    });

    it('suspends and resumes by pages like it', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system({ name: 'Paused' }));
      for (const [act, said] of [
        ['suspend', 'Access suspended'],
        ['resume', 'Access resumed'],
      ]) {
        const ask = await client.get(`/connected-systems/${connectionId}/${act}`);
        assert.equal(ask.statusCode, 200);
        assert.deepEqual(await htmlProblems(ask.body), []);
        const done = await client.follow(await client.post(`/connected-systems/${connectionId}/${act}`));
        assert.ok(textOf(done.body).includes(said!));
        assert.deepEqual(await htmlProblems(done.body), []);
        const again = await client.post(`/connected-systems/${connectionId}/${act}`);
        assert.equal(again.statusCode, 409);
      }
      const stale = await client.get(`/connected-systems/${connectionId}/suspended`);
      assert.equal(stale.statusCode, 303, 'an old confirmation leads to the connection as it is');
    });

    it('refuses a reason that is too long and changes nothing', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system());
      await client.get(`/connected-systems/${connectionId}/revoke`);
      const page = await client.post(`/connected-systems/${connectionId}/revoke`, {
        reason: 'x'.repeat(501),
      });
      assert.equal(page.statusCode, 422);
      assert.match(textOf((await client.get(`/connected-systems/${connectionId}`)).body), /Active/);
    });
  });

  describe('the view', () => {
    it('shows the history and the latest calls with outcome, count and reference', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system({ name: 'Seen' }));
      await call(connectionId, 'allowed', 'request-1');
      await call(connectionId, 'connection-suspended', 'request-2');
      const page = await client.get(`/connected-systems/${connectionId}`);
      const text = textOf(page.body);
      for (const part of [
        'Access granted',
        'Ada Min',
        'Searched observations',
        'Allowed',
        'Refused: access was suspended',
        'request-1',
        'request-2',
        '2 calls, of which 1 refused',
      ]) {
        assert.ok(text.includes(part), `${part} in ${text}`);
      }
      assert.deepEqual(await htmlProblems(page.body), []);
    });

    it('says that the system is not live when its company or we stopped it', async () => {
      const clientId = await app.world.system();
      const { client, connectionId } = await grantByPages(clientId);
      await db.database.owner.query(`update system set standing = 'suspended' where client_id = $1`, [
        clientId,
      ]);
      assert.match(
        textOf((await client.get(`/connected-systems/${connectionId}`)).body),
        /not live at the moment/,
      );
      assert.match(textOf((await client.get('/connected-systems')).body), /Stopped by its company/);
    });
  });

  describe('who may do what', () => {
    const PAGES = ['', '/revoke', '/suspend', '/resume', '/granted', '/revoked'];

    it("gives another organisation's connection and one that does not exist the same page", async () => {
      const { connectionId } = await grantByPages(await app.world.system());
      const stranger = await app.signedIn(await app.world.staff((await app.world.organisation()).id));
      const nothing = '0e2f4d1c-58cc-8372-a567-0e02b2c3d479';
      await stranger.get('/connected-systems');
      for (const rest of PAGES) {
        const theirs = await stranger.get(`/connected-systems/${connectionId}${rest}`);
        const none = await stranger.get(`/connected-systems/${nothing}${rest}`);
        const odd = await stranger.get(`/connected-systems/not-an-id${rest}`);
        assert.equal(theirs.statusCode, 404, rest);
        assert.equal(theirs.body, none.body);
        assert.equal(theirs.body, odd.body);
      }
      for (const act of ['revoke', 'suspend', 'resume']) {
        const theirs = await stranger.post(`/connected-systems/${connectionId}/${act}`);
        const none = await stranger.post(`/connected-systems/${nothing}/${act}`);
        assert.equal(theirs.statusCode, 404);
        assert.equal(theirs.body, none.body);
      }
      const { rows } = await db.database.service.query('select status from connection where id = $1', [
        connectionId,
      ]);
      assert.equal(rows[0].status, 'active');
    });

    it('tells coordinators and professionals which role they need, whatever they ask for', async () => {
      const clientId = await app.world.system();
      const { connectionId } = await grantByPages(await app.world.system());
      for (const role of ['coordinator', 'professional'] as const) {
        const client = await app.signedIn(await app.world.staff(organisation.id, role));
        await client.get('/connected-systems');
        for (const url of [
          '/connected-systems/add',
          `/connected-systems/add/${clientId}`,
          '/connected-systems/add/none',
          ...PAGES.slice(1).map((rest) => `/connected-systems/${connectionId}${rest}`),
        ]) {
          const page = await client.get(url);
          assert.equal(page.statusCode, 403, url);
          assert.match(
            textOf(page.body),
            /You need to be an organisation administrator to manage connected systems/,
          );
        }
        for (const url of [
          `/connected-systems/add/${clientId}`,
          `/connected-systems/${connectionId}/revoke`,
        ]) {
          assert.equal(
            (await client.post(url, { reviewed: 'x', scopes: 'system/Patient.rs' })).statusCode,
            403,
          );
        }
      }
      const { rows } = await db.database.service.query('select from connection where client_id = $1', [
        clientId,
      ]);
      assert.equal(rows.length, 0);
    });

    it('acts on no form without its token, from elsewhere, or of someone signed out', async () => {
      const { client, connectionId } = await grantByPages(await app.world.system());
      const url = `/connected-systems/${connectionId}/revoke`;
      await client.get(url);
      assert.equal((await client.post(url, { _csrf: 'wrong' })).statusCode, 403);
      assert.equal((await client.post(url, {}, { 'sec-fetch-site': 'cross-site' })).statusCode, 403);
      client.cookies.clear();
      const anonymous = await client.post(url);
      assert.equal(anonymous.statusCode, 303);
      assert.match(String(anonymous.headers.location), /^\/sign-in/);
      const { rows } = await db.database.service.query('select status from connection where id = $1', [
        connectionId,
      ]);
      assert.equal(rows[0].status, 'active');
    });

    it('leads from the start page to the list, and who is not signed in to sign-in and back', async () => {
      const client = await app.signedIn(administrator);
      assert.equal((await client.get('/')).headers.location, '/connected-systems');
      client.cookies.clear();
      assert.equal(
        (await client.get('/connected-systems?page=2')).headers.location,
        '/sign-in?next=%2Fconnected-systems%3Fpage%3D2',
      );
    });
  });

  it('prints whatever a company calls itself as text, on every page', async () => {
    const clientId = `c${HOSTILE.replace('/', '')}`;
    await app.world.system({
      clientId,
      name: `N${HOSTILE}`,
      company: `C${HOSTILE}`,
      purpose: `P${HOSTILE}`,
      privacyNoticeUrl: 'javascript:alert(1)',
    });
    const action = `/connected-systems/add/${encodeURIComponent(clientId)}`;
    const client = await app.signedIn(administrator);
    const review = await client.get(action);
    const escaped = [...review.body.matchAll(/<form[^>]*action="([^"]*)" method="post"/g)]
      .map(([, to]) => to!)
      .find((to) => to.includes('/add/'))!;
    const form = fieldsOf(review.body, escaped).map(([name, value]): [string, string] => [
      name,
      name === 'reason' ? HOSTILE : value,
    ]);
    const granted = await client.post(action, form);
    assert.equal(granted.statusCode, 303);
    const id = String(granted.headers.location).split('/')[2];
    const pages = [
      review,
      await client.get(`/connected-systems/add?search=${encodeURIComponent(`N${HOSTILE}`)}`),
      await client.get(`/connected-systems/add?search=${encodeURIComponent(HOSTILE)}`),
      await client.get(`/connected-systems?search=${encodeURIComponent(HOSTILE)}`),
      ...(await Promise.all(
        ['', '/granted', '/revoke', '/suspend', '/resume'].map((rest) =>
          client.get(`/connected-systems/${id}${rest}`),
        ),
      )),
      await client.follow(await client.post(`/connected-systems/${id}/suspend`, { reason: HOSTILE })),
      await client.follow(await client.post(`/connected-systems/${id}/revoke`, { reason: HOSTILE })),
      await client.get('/connected-systems'),
      await client.get(`/connected-systems/${id}`),
    ];
    for (const page of pages) {
      assert.equal(page.statusCode, 200, page.body.slice(0, 300));
      assert.doesNotMatch(page.body, /<script>alert|href="javascript:/i);
      assert.match(page.body, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
      assert.doesNotMatch(page.body, /"'49&amp;|>49</);
      assert.deepEqual(await htmlProblems(page.body), []);
    }
  });

  async function insertConnection(clientId: string, status: string) {
    await db.database.owner.query(
      `insert into connection (id, organisation_id, client_id, status, scopes, permissions, granted_at, ended_at)
       values (gen_random_uuid(), $1, $2, $3, '{system/Patient.rs}', '{Patient.r,Patient.s}', now(),
               case when $3 = 'revoked' then now() end)`,
      [organisation.id, clientId, status],
    );
  }

  async function call(connectionId: string, outcome: string, requestId = 'request') {
    await db.database.owner.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 resource_type, count, hash)
       values (gen_random_uuid(), 1, now(), $3, 'fhir', 'search-type', $2, 200, $1, 'Observation', 12, '')`,
      [connectionId, outcome, requestId],
    );
  }
});
