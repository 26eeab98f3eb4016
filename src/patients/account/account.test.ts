import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { htmlProblems } from '../../../test/support/html.ts';
import { type PageClient, textOf } from '../../../test/support/page-client.ts';
import {
  PASSWORD,
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../../../test/support/patients-app.ts';
import { untilLockWaited } from '../../../test/support/until-lock-waited.ts';

const NEXT = 'another otter entirely';

describe('a patient’s account', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let harbour: string;
  let nia: string;
  let email: string;
  let numbered = 0;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    await db.database.owner.query('delete from attempt');
    nia = await world.patient({ organisations: [harbour] });
    email = `nia${++numbered}@example.org`;
    await world.account(nia, email);
    service.audit.length = 0;
  });

  async function signIn(client: PageClient, password: string, address = email) {
    await client.get('/my/sign-in');
    return client.post('/my/sign-in', { email: address, password });
  }
  const open = async (client: PageClient) => (await client.get('/my')).statusCode === 200;
  async function linkFor(address: string) {
    const client = service.client();
    await client.get('/my/new-password');
    await client.post('/my/new-password', { email: address });
    return (
      /\/my\/new-password\/choose\?link=([\w-]+)/.exec((await service.messageTo(address))?.text ?? '')?.[1] ??
      ''
    );
  }
  async function choose(link: string, change: Record<string, string> = {}) {
    const client = service.client();
    await client.get('/my/new-password');
    await client.get(`/my/new-password/choose?link=${link}`);
    const born = { day: '31', month: '3', year: '1980' };
    return client.post('/my/new-password/choose', { link, ...born, password: NEXT, ...change });
  }

  it('is entered with address and password, and greets by the name in the record', async () => {
    const client = service.client();
    assert.equal((await signIn(client, PASSWORD, ` ${email.toUpperCase()} `)).headers.location, '/my');
    const home = await client.get('/my');
    assert.match(textOf(home.body), /Nia Morgan Patient Sign out.*Hello, Nia Morgan/);
    assert.deepEqual(await htmlProblems(home.body), []);
    const account = await client.get('/my/account');
    assert.match(textOf(account.body), new RegExp(`Email address ${email}`));
    assert.deepEqual(await htmlProblems(account.body), []);
  });

  it('is refused alike for a wrong password and an unknown address', async () => {
    const [wrong, unknown] = [
      await signIn(service.client(), 'not the password'),
      await signIn(service.client(), PASSWORD, 'nobody@example.org'),
    ];
    assert.equal(wrong.statusCode, 422);
    assert.equal(textOf(wrong.body), textOf(unknown.body));
    assert.deepEqual(
      service.audit.map(({ outcome, patients }) => [outcome, patients]),
      [
        ['sign-in-refused', [nia]],
        ['sign-in-refused', null],
      ],
    );
  });

  it('answers a character that no text has as the mistake that it is', async () => {
    const nobody = service.client();
    await nobody.get('/my/sign-in');
    const form = { email: 'nia\0@example.org', password: PASSWORD };
    assert.equal((await nobody.post('/my/sign-in', form)).statusCode, 400);
    const client = await service.signedIn(email);
    for (const path of ['/my/letters?search=%00', '/my/access?search=%00', '/my/access/entries?system=%00']) {
      const answer = await client.get(path);
      assert.equal(answer.statusCode, 400, path);
      assert.match(textOf(answer.body), /a character that no text has/);
    }
  });

  it('is closed to who tries passwords, for a while', async () => {
    const statuses = [];
    for (let tried = 0; tried < 7; tried++) {
      statuses.push((await signIn(service.client(`198.51.100.${tried}`), 'not the password')).statusCode);
    }
    assert.deepEqual(statuses, [422, 422, 422, 422, 422, 429, 429]);
    assert.equal((await signIn(service.client(), PASSWORD)).statusCode, 429);
    service.later(120);
    assert.equal((await signIn(service.client(), PASSWORD)).statusCode, 303);
  });

  it('is left at sign-out, after twenty idle minutes, and after eight hours in any case', async () => {
    const client = await service.signedIn(email);
    const cookie = client.cookies.get('my-session')!;
    await client.get('/my');
    await client.post('/my/sign-out');
    client.cookies.set('my-session', cookie);
    assert.equal(await open(client), false, 'the old cookie is worth nothing');
    const idle = await service.signedIn(email);
    service.later(21 * 60);
    assert.equal(await open(idle), false);
    const busy = await service.signedIn(email);
    for (let minutes = 0; minutes < 8 * 60; minutes += 15) {
      assert.equal(await open(busy), true);
      service.later(15 * 60);
    }
    assert.equal(await open(busy), false);
  });

  it('is not staff’s, and staff’s is not a patient’s', async () => {
    const client = await service.signedIn(email);
    client.cookies.set('session', client.cookies.get('my-session')!);
    client.cookies.delete('my-session');
    assert.equal(await open(client), false);
  });

  it('leads on only to its own pages after sign-in', async () => {
    for (const [next, to] of [
      ['/my/letters?show=unread', '/my/letters?show=unread'],
      ['/my', '/my'],
      ['/connected-systems', '/my'],
      ['/mystery', '/my'],
      ['//evil.example/my', '/my'],
      ['https://evil.example/my', '/my'],
      ['/my/sign-in', '/my'],
    ] as const) {
      const client = service.client();
      await client.get('/my/sign-in');
      const { headers } = await client.post('/my/sign-in', { email, password: PASSWORD, next });
      assert.equal(headers.location, to, next);
    }
  });

  it('has its password changed by who knows it, and is left everywhere else', async () => {
    const [here, elsewhere] = [await service.signedIn(email), await service.signedIn(email)];
    const page = await here.get('/my/account/password');
    assert.deepEqual(await htmlProblems(page.body), []);
    const wrong = await here.post('/my/account/password', { current: 'x', password: NEXT });
    assert.match(textOf(wrong.body), /Your current password is not right/);
    const weak = await here.post('/my/account/password', { current: PASSWORD, password: 'Nia Morgan!!' });
    assert.equal(weak.statusCode, 422);
    const changed = await here.post('/my/account/password', { current: PASSWORD, password: NEXT });
    assert.equal(changed.headers.location, '/my/account');
    assert.deepEqual([await open(here), await open(elsewhere)], [true, false]);
    assert.match((await service.messageTo(email))?.subject ?? '', /password was changed/);
    assert.equal((await signIn(service.client(), PASSWORD)).statusCode, 422);
    assert.equal((await signIn(service.client(), NEXT)).statusCode, 303);
  });

  it('lets no link that was asked for before set another password after', async () => {
    const link = await linkFor(email);
    const client = await service.signedIn(email);
    await client.get('/my/account/password');
    await client.post('/my/account/password', { current: PASSWORD, password: NEXT });
    assert.equal((await choose(link, { password: 'velvet otter kettle' })).statusCode, 410);
    assert.equal((await signIn(service.client(), NEXT)).statusCode, 303);
  });

  it('is not entered with a password that was changed while it was looked at', async () => {
    const client = service.client();
    await client.get('/my/sign-in');
    const changing = await db.database.owner.connect();
    await changing.query('begin');
    await changing.query(`update patient_account set password_hash = 'another' where email = $1`, [email]);
    const asked = client.post('/my/sign-in', { email, password: PASSWORD });
    await untilLockWaited(db.database.owner);
    await changing.query('commit');
    changing.release();
    assert.equal((await asked).statusCode, 422);
    assert.equal(await open(client), false);
    assert.equal(service.audit.at(-1)?.outcome, 'sign-in-refused');
  });

  it('gets a new password by a link, once, with the date of birth', async () => {
    const elsewhere = await service.signedIn(email);
    const link = await linkFor(email);
    const page = await service.client().get(`/my/new-password/choose?link=${link}`);
    assert.deepEqual(await htmlProblems(page.body), []);
    const wrong = await choose(link, { day: '30' });
    assert.match(textOf(wrong.body), /not the date of birth that we have/);
    assert.deepEqual(await htmlProblems(wrong.body), []);
    assert.equal((await choose(link, { password: 'short' })).statusCode, 422);
    const answers = await Promise.all([choose(link), choose(link), choose(link)]);
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [303, 410, 410]);
    assert.equal(await open(elsewhere), false);
    assert.equal((await signIn(service.client(), NEXT)).statusCode, 303);
    assert.match((await service.messageTo(email))?.subject ?? '', /password was changed/);
  });

  it('cannot be taken with the link alone by trying dates of birth', async () => {
    const link = await linkFor(email);
    const statuses = [];
    for (let day = 1; day <= 8; day++) statuses.push((await choose(link, { day: String(day) })).statusCode);
    assert.deepEqual(statuses, [422, 422, 422, 422, 422, 429, 429, 429]);
    assert.equal((await choose(link)).statusCode, 429);
    service.later(3700);
    assert.equal((await choose(link)).statusCode, 410, 'the link has ended before the waiting');
  });

  it('is asked for a new password without telling whether it is there', async () => {
    const client = service.client();
    await client.get('/my/new-password');
    const known = await client.post('/my/new-password', { email });
    const unknown = await client.post('/my/new-password', { email: 'nobody@example.org' });
    assert.deepEqual(
      [known.statusCode, known.headers.location],
      [unknown.statusCode, unknown.headers.location],
    );
    assert.equal(await service.messageTo('nobody@example.org'), undefined);
    assert.equal((await client.post('/my/new-password', { email: 'x' })).statusCode, 422);
    for (const path of ['/my/new-password', '/my/new-password/sent', '/my/new-password/choose?link=x']) {
      assert.deepEqual(await htmlProblems((await client.get(path)).body), [], path);
    }
    const statuses = [];
    for (let asked = 0; asked < 4; asked++)
      statuses.push((await client.post('/my/new-password', { email })).statusCode);
    assert.deepEqual(statuses, [303, 303, 429, 429]);
  });

  it('can be closed by its owner, and joined again with a new invitation', async () => {
    const client = await service.signedIn(email);
    const link = await linkFor(email);
    const page = await client.get('/my/account/close');
    assert.deepEqual(await htmlProblems(page.body), []);
    assert.equal((await client.post('/my/account/close', { current: 'x' })).statusCode, 422);
    assert.equal((await client.post('/my/account/close', { current: PASSWORD })).statusCode, 303);
    assert.equal(await open(client), false);
    assert.equal((await signIn(service.client(), PASSWORD)).statusCode, 422);
    assert.equal((await choose(link)).statusCode, 410);
    const { rows } = await db.database.owner.query('select joined_at from patient where id = $1', [nia]);
    assert.equal(rows[0].joined_at, null);
    await world.account(nia, email);
    assert.equal((await signIn(service.client(), PASSWORD)).statusCode, 303);
  });

  it('keeps its patient from being deleted, and lets go of invitations with one who is', async () => {
    const acting = async (patientId: string) => {
      const connection = await db.database.service.connect();
      await connection.query('begin');
      await connection.query(
        `select set_config('app.organisation', $1, true), set_config('app.labels', '15', true), set_config('app.teams', '', true)`,
        [harbour],
      );
      const { rows } = await connection.query('select fhir_delete_patient($1, 1) as result', [patientId]);
      await connection.query('commit');
      connection.release();
      return rows[0].result;
    };
    assert.equal(await acting(nia), 'patient-in-use');
    const other = await world.patient({ organisations: [harbour] });
    const { id } = await world.invitation(other, harbour);
    assert.equal(await acting(other), 'deleted');
    const { rowCount } = await db.database.owner.query('select from invitation where id = $1', [id]);
    assert.equal(rowCount, 0);
  });
});
