import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import {
  type LaunchApp,
  launchApp,
  launchWorld,
  PATIENT,
  signedInTo,
} from '../../test/support/launch-app.ts';
import {
  connectBySigningIn,
  copyableValue,
  HOME,
  linkWriter,
  SET_UP,
  setUpLink,
} from '../../test/support/launch-link.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import { createProfile } from './profiles/index.ts';

describe('setting SystmOne up', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let world: Awaited<ReturnType<typeof launchWorld>>;
  let cora: PageClient;

  before(async () => {
    db = await testDatabase();
    world = await launchWorld(db.database);
    app = await launchApp(db.database);
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await db.database.owner.query(
      'update launch_configuration set withdrawn_at = now() where withdrawn_at is null',
    );
    await db.database.owner.query('delete from attempt');
    cora = await signedInTo(app, 'cora@example.org');
    app.audit.length = 0;
  });

  const errorsOf = (html: string) =>
    [...html.matchAll(/href="#(\w+)">([^<]+)</g)]
      .map(([, field]) => field)
      .filter((field) => field !== 'maincontent');

  it('is offered to administrators and coordinators on the list of connected systems', async () => {
    assert.match((await cora.get('/connected-systems')).body, /Set up SystmOne single sign-on URL/);
    const pat = await signedInTo(app, 'pat@example.org');
    assert.doesNotMatch((await pat.get('/connected-systems')).body, /SystmOne single sign-on URL/);
    for (const page of ['', '/new', '/try', '/check']) {
      const refused = await pat.get(HOME + page);
      assert.equal(refused.statusCode, 403, page);
      assert.match(
        textOf(refused.body),
        /You need to be an organisation administrator or a team coordinator to/,
      );
      assert.equal((await cora.get(HOME + page)).statusCode, 200, page);
    }
    for (const page of ['/new', '/try', '/check'])
      assert.equal((await pat.post(HOME + page)).statusCode, 403);
  });

  it('shows prefix, key, vector and every field in order, and the secret never again', async () => {
    const { made, prefix } = await setUpLink(cora, { role: 'yes' });
    assert.equal(made.statusCode, 200);
    assert.deepEqual(await htmlProblems(made.body), []);
    assert.match(prefix, /^https:\/\/service\.test\/systmone\/launch\/[\w-]{22}\?org=$/);
    const key = copyableValue(made.body, 'secret-key');
    const iv = copyableValue(made.body, 'secret-iv');
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.match(iv, /^[0-9a-f]{32}$/);
    const text = textOf(made.body);
    const inOrder = [
      'Setup › Users & Policy › URL & Program Maintenance',
      'New URL',
      'Launch In',
      'Encrypt Parameters',
      'https:\\\\',
      'URL prefix',
      'Organisation ID',
      '&user=',
      'SystmOne username',
      '&nhs=',
      'NHS number',
      '&dob=',
      'Date of birth',
      '&role=',
      'User role',
    ];
    let at = 0;
    for (const part of inOrder) {
      const found = text.indexOf(part, at);
      assert.ok(found >= 0, `${part} after ${text.slice(at, at + 60)}`);
      at = found;
    }

    // A link made by hand with what the page said is one that opens.
    const profile = createProfile({
      profile: 'fields',
      cipher: 'aes-256-cbc',
      encoding: 'hex',
      key: Buffer.from(key, 'hex'),
      iv: Buffer.from(iv, 'hex'),
      birthDate: true,
      role: true,
    });
    const query = profile.encode({
      organisation: 'ZX1',
      userName: 'byhand0001',
      role: 'GP',
      notBefore: null,
      expires: null,
      serviceId: null,
      ...PATIENT,
    });
    const link = new URL(prefix + query.slice(profile.prefix.length));
    assert.match(String((await app.client().get(link.pathname + link.search)).headers.location), /connect/);

    const id = /systmone\/([0-9a-f-]{36})\/withdraw/.exec((await cora.get(HOME)).body)![1]!;
    const later = await cora.get(`${HOME}/${id}`);
    assert.deepEqual(await htmlProblems(later.body), []);
    assert.ok(!later.body.includes(key) && !later.body.includes(iv));
    assert.match(textOf(later.body), /cannot be shown again/);
    const { rows } = await db.database.owner.query('select * from launch_configuration where id = $1', [id]);
    assert.ok(!rows[0].sealed_secret.toString('latin1').includes(key));
    assert.doesNotMatch(JSON.stringify(app.audit), new RegExp(`${key}|${iv}`));
    assert.equal(app.audit.find(({ interaction }) => interaction === 'launch-set-up')?.outcome, 'allowed');
  });

  it('makes one link however often the form is sent, and two at most', async () => {
    const { form } = await setUpLink(cora);
    const again = await cora.post(`${HOME}/new`, { ...SET_UP, form });
    assert.equal(again.statusCode, 409);
    assert.match(textOf(again.body), /You sent this form before/);
    assert.deepEqual(await htmlProblems(again.body), []);
    const three = await Promise.all(
      [1, 2, 3].map((n) =>
        cora.post(`${HOME}/new`, { ...SET_UP, form: `0e2f4d1c-58cc-8372-a567-00000000000${n}` }),
      ),
    );
    assert.deepEqual(three.map(({ statusCode }) => statusCode).sort(), [200, 409, 409]);
    const { rows } = await db.database.owner.query(
      'select from launch_configuration where organisation_id = $1 and withdrawn_at is null',
      [world.harbour],
    );
    assert.equal(rows.length, 2);
    assert.match(textOf((await cora.get(`${HOME}/new`)).body), /has two links already/);
  });

  it('encrypts unless somebody says that they understand what clear means', async () => {
    const page = await cora.get(`${HOME}/new`);
    assert.match(page.body, /value="fields"[^>]*checked|checked[^>]*value="fields"/);
    assert.deepEqual(await htmlProblems(page.body), []);
    for (const profile of ['clear', 'somerset']) {
      const refused = await setUpLink(cora, { profile });
      assert.equal(refused.made.statusCode, 422);
      assert.deepEqual(errorsOf(refused.made.body), ['understood']);
      assert.deepEqual(await htmlProblems(refused.made.body), []);
      const made = await setUpLink(cora, { profile, understood: 'yes' });
      assert.equal(made.made.statusCode, 200);
      assert.match(textOf(made.made.body), /This link is not encrypted/);
      assert.deepEqual(await htmlProblems(made.made.body), []);
      assert.equal(copyableValue(made.made.body, 'secret-key'), '');
    }
  });

  it('gives SIDeR a key name and a passphrase', async () => {
    const { made, prefix } = await setUpLink(cora, { profile: 'sider' });
    const keyName = copyableValue(made.body, 'key-name');
    assert.match(copyableValue(made.body, 'secret-passphrase'), /^[\w-]{32}$/);
    assert.ok(prefix.endsWith(`?enc=${keyName}|`));
    assert.deepEqual(await htmlProblems(made.body), []);
  });

  it('tells of each field what is wrong with it, and makes nothing', async () => {
    for (const [changes, field] of [
      [{ profile: '' }, 'profile'],
      [{ profile: 'rot13' }, 'profile'],
      [{ cipher: 'des' }, 'cipher'],
      [{ encoding: 'utf7' }, 'encoding'],
      [{ practices: ' ,' }, 'practices'],
      [{ practices: 'ZX1, no-code' }, 'practices'],
      [{ practices: Array.from({ length: 201 }, (_, n) => `A${10000 + n}`).join(' ') }, 'practices'],
      [{ landing: 'elsewhere' }, 'landing'],
    ] as const) {
      const { made } = await setUpLink(cora, changes);
      assert.equal(made.statusCode, 422, field);
      assert.deepEqual(errorsOf(made.body), [field]);
    }
    const { rows } = await db.database.owner.query(
      'select from launch_configuration where withdrawn_at is null',
    );
    assert.equal(rows.length, 0);
  });

  it('takes practices as people list them', async () => {
    const { made } = await setUpLink(cora, { practices: 'zx1, Y90001\n y90002;ZX1' });
    assert.match(textOf(made.body), /Practices \(ODS codes\) ZX1, Y90001, Y90002/);
  });

  it('changes from clear to encrypted, and from one key to the next, with both in use meanwhile', async () => {
    const old = await setUpLink(cora, { profile: 'clear', understood: 'yes' });
    const oldLink = await linkWriter(app, db, old.keyId);
    const pat = app.client();
    await connectBySigningIn(pat, oldLink(), 'pat@example.org');
    app.later(1);
    const fresh = await setUpLink(cora);
    const freshLink = await linkWriter(app, db, fresh.keyId);
    for (const link of [oldLink(), freshLink(), oldLink()]) {
      pat.cookies.delete('session');
      assert.match(String((await pat.get(link)).headers.location), /^\/record/, 'no new sign-in for either');
    }
    const list = await cora.get(HOME);
    const links = [...list.body.matchAll(/systmone\/([0-9a-f-]{36})\/withdraw/g)].map(([, id]) => id!);
    const oldId = links.at(-1)!;
    assert.match(textOf(list.body), /Not encrypted clear/);
    const ask = await cora.get(`${HOME}/${oldId}/withdraw`);
    assert.deepEqual(await htmlProblems(ask.body), []);
    const done = await cora.post(`${HOME}/${oldId}/withdraw`);
    assert.equal(done.headers.location, `${HOME}/${oldId}`);
    assert.match(textOf((await cora.get(`${HOME}/${oldId}`)).body), /Withdrawn/);
    assert.match(String((await pat.get(oldLink())).headers.location), /launch-withdrawn/);
    assert.match(String((await pat.get(freshLink())).headers.location), /^\/record/);
    assert.equal(
      (await cora.post(`${HOME}/${oldId}/withdraw`)).statusCode,
      303,
      'a second time changes nothing',
    );
    const withdrawals = app.audit.filter(({ interaction }) => interaction === 'launch-withdraw');
    assert.deepEqual(
      withdrawals.map(({ outcome }) => outcome),
      ['allowed', 'withdrawn-before'],
    );
  });

  it("shows another organisation's link as one that does not exist", async () => {
    const { keyId } = await setUpLink(cora);
    const { rows } = await db.database.owner.query('select id from launch_configuration where key_id = $1', [
      keyId,
    ]);
    const max = await signedInTo(app, 'max@example.org');
    await max.get(HOME);
    for (const id of [rows[0].id, '0e2f4d1c-58cc-8372-a567-0e02b2c3d479', 'none']) {
      assert.equal((await max.get(`${HOME}/${id}`)).statusCode, 404);
      assert.equal((await max.get(`${HOME}/${id}/withdraw`)).statusCode, 404);
      assert.equal((await max.post(`${HOME}/${id}/withdraw`)).statusCode, 404);
    }
    const checked = await max.post(`${HOME}/check`, {
      link: `https://service.test/systmone/launch/${keyId}?org=00`,
    });
    assert.match(textOf(checked.body), /No link of your organisation has this URL prefix/);
  });

  it('asks for the role at the moment of the act', async () => {
    await db.database.owner.query(`update staff_role set role = 'professional' where account_id = $1`, [
      world.cora,
    ]);
    const { made } = await setUpLink(cora);
    assert.equal(made.statusCode, 403);
    await db.database.owner.query(`update staff_role set role = 'coordinator' where account_id = $1`, [
      world.cora,
    ]);
  });

  describe('the page that plays SystmOne', () => {
    it('builds the link that SystmOne would, for a patient of the list or by number', async () => {
      const { prefix } = await setUpLink(cora);
      const page = await cora.get(`${HOME}/try`);
      assert.deepEqual(await htmlProblems(page.body), []);
      assert.match(textOf(page.body), /TESTPATIENT, Terry, 943 476 5919/);
      assert.doesNotMatch(textOf(page.body), /900 000 0009/, 'only its own patients');
      const patients: Record<string, string>[] = [
        { patient: world.patient },
        { nhsNumber: '943 476 5919', birthDate: '01/12/1980' },
      ];
      for (const patient of patients) {
        const tried = await cora.post(`${HOME}/try`, { userName: 'try0001', practice: 'zx1', ...patient });
        assert.equal(tried.statusCode, 200, textOf(tried.body));
        assert.deepEqual(await htmlProblems(tried.body), []);
        const link = copyableValue(tried.body, 'link');
        assert.ok(link.startsWith(prefix));
        const url = new URL(link);
        assert.equal(
          (await app.client().get(url.pathname + url.search)).headers.location,
          '/systmone/connect',
        );
      }
      assert.deepEqual(app.audit.at(-2)?.interaction, 'launch-try');
    });

    it('works for every kind of link', async () => {
      for (const profile of ['sider', 'somerset', 'clear']) {
        await db.database.owner.query('update launch_configuration set withdrawn_at = now()');
        await setUpLink(cora, { profile, understood: 'yes' });
        const tried = await cora.post(`${HOME}/try`, {
          userName: 'try0001',
          practice: 'ZX1',
          patient: world.patient,
        });
        const url = new URL(copyableValue(tried.body, 'link'));
        assert.equal(
          (await app.client('192.0.2.77').get(url.pathname + url.search)).headers.location,
          '/systmone/connect',
          profile,
        );
      }
    });

    it('says what is missing', async () => {
      assert.match(textOf((await cora.get(`${HOME}/try`)).body), /No link is in use/);
      await setUpLink(cora);
      const page = await cora.post(`${HOME}/try`, { practice: '!', userName: '7', nhsNumber: '123' });
      assert.equal(page.statusCode, 422);
      assert.deepEqual(errorsOf(page.body), ['practice', 'userName', 'nhsNumber', 'birthDate']);
      assert.deepEqual(await htmlProblems(page.body), []);
    });
  });

  describe('the checker', () => {
    async function check(link: string) {
      const page = await cora.post(`${HOME}/check`, { link });
      assert.deepEqual(await htmlProblems(page.body), []);
      return { status: page.statusCode, text: textOf(page.body) };
    }

    it('says field by field what a link holds, or why it cannot be read', async () => {
      const { keyId } = await setUpLink(cora);
      const link = `https://service.test${(await linkWriter(app, db, keyId))()}`;
      const right = await check(link);
      assert.match(right.text, /Everything can be read/);
      assert.match(right.text, /nhs What it says 9434765919 Result Right/);
      assert.match(right.text, /user What it says psmith0101 Result Right/);
      const asBase64 = link.replace(/(?<=user=)[0-9a-f]+/, (hex) =>
        Buffer.from(hex, 'hex').toString('base64'),
      );
      assert.match(
        (await check(asBase64)).text,
        /Not written as hex, which this link was set up for. It looks like base64\./,
      );
      assert.match(
        (await check(link.replace(/user=.{32}/, `user=${'0'.repeat(32)}`))).text,
        /Could not be decrypted/,
      );
      assert.match((await check(link.replace(/&dob=.*/, ''))).text, /Not in the link/);
      assert.match(
        (await check(link.replace('service.test', 'other.test'))).text,
        /another web address than ours/,
      );
      const elsewhere = (await linkWriter(app, db, keyId))({ organisation: 'ZX2' });
      assert.match(
        (await check(`https://service.test${elsewhere}`)).text,
        /not among those this link was set up for/,
      );
    });

    it('refuses what is no launch link, keeps nothing, and is recorded', async () => {
      const { keyId } = await setUpLink(cora);
      for (const link of ['', 'hello', 'https://service.test/record', 'javascript:alert(1)']) {
        assert.equal((await check(link)).status, 422, link);
      }
      const before = await db.database.owner.query('select count(*) from launch_event');
      await check(`https://service.test${(await linkWriter(app, db, keyId))({ userName: 'kept0001' })}`);
      const after = await db.database.owner.query('select count(*) from launch_event');
      assert.equal(before.rows[0].count, after.rows[0].count);
      assert.equal(app.audit.at(-1)?.interaction, 'launch-check');
      assert.doesNotMatch(JSON.stringify(app.audit), /kept0001|9434765919/);
    });
  });
});
