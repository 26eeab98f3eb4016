import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { addPatient, type LaunchApp, launchApp } from '../../test/support/launch-app.ts';
import { describeLaunches, setUpDemoLaunches } from './launches.ts';
import { generateWorld } from './world.ts';

describe('the launches of the demo world', () => {
  const world = generateWorld({ today: '2026-11-22', patients: 30, resourcesPerPatient: 1 });
  const launches = describeLaunches(world, 'https://service.test');
  let db: TestDatabase;
  let app: LaunchApp;

  before(async () => {
    db = await testDatabase();
    app = await launchApp(db.database);
    for (const { id, odsCode, name } of world.organisations) {
      await db.database.owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $3)', [
        id,
        odsCode,
        name,
      ]);
    }
    for (const { id, email, name, roles } of world.staff) {
      await db.database.owner.query(
        `insert into account (id, email, name, password_hash) values ($1, $2, $3, '-')`,
        [id, email, name],
      );
      for (const { organisationId, role } of roles) {
        await db.database.owner.query(
          'insert into staff_role (account_id, organisation_id, role) values ($1, $2, $3)',
          [id, organisationId, role],
        );
      }
    }
    for (const { organisation, patient } of launches) {
      const { rows } = await db.database.owner.query(
        'select patient_id from patient_identifier where value = $1',
        [patient.nhsNumber],
      );
      if (rows.length === 0)
        await addPatient(db.database, [organisation], patient.nhsNumber, patient.birthDate);
      else
        await db.database.owner.query(
          'insert into registration (route, patient_id, organisation_id) select route, patient_id, $2 from patient_identifier where value = $1',
          [patient.nhsNumber, organisation],
        );
    }
    await setUpDemoLaunches(app.context, world);
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });

  /** The demo file is written for plain http here, as the test's service is. */
  const pathOf = (url: string) => url.slice('https://service.test'.length);

  it('are one for each organisation, and are the same at every start', () => {
    assert.deepEqual(
      launches.map(({ profile }) => profile),
      ['sider', 'aes-256-cbc/hex', 'aes-128-cbc/base64'],
    );
    assert.deepEqual(describeLaunches(world, 'https://service.test'), launches);
    for (const { urlPrefix, exampleUrl } of launches) assert.ok(exampleUrl.startsWith(urlPrefix));
  });

  it('can be written by anybody who has key, vector and fields', () => {
    const launch = launches.find(({ profile }) => profile === 'aes-256-cbc/hex')!;
    const query = new URLSearchParams(launch.exampleUrl.split('?')[1]);
    const decipher = createDecipheriv(
      'aes-256-cbc',
      Buffer.from(launch.key, 'hex'),
      Buffer.from(launch.iv, 'hex'),
    );
    assert.equal(
      decipher.update(query.get('nhs')!, 'hex', 'utf8') + decipher.final('utf8'),
      launch.patient.nhsNumber,
    );
    assert.deepEqual(
      launch.fields.map((part) => ('text' in part ? part.text : part.field)),
      ['organisation', '&user=', 'userName', '&nhs=', 'nhsNumber', '&dob=', 'birthDate'],
    );
  });

  it('open the record at once in the connected browser, and ask the other person who they are', async () => {
    for (const { exampleUrl, unpairedUrl, paired } of launches) {
      const client = app.client();
      client.cookies.set('device', paired.cookie.value);
      assert.match(String((await client.get(pathOf(exampleUrl))).headers.location), /^\/record/);
      const other = app.client();
      assert.equal((await other.get(pathOf(unpairedUrl))).headers.location, '/systmone/connect');
    }
  });

  it('are as the file says again after a start, whatever became of the cookies', async () => {
    const { exampleUrl, paired } = launches[0]!;
    const client = app.client();
    client.cookies.set('device', paired.cookie.value);
    await client.get(pathOf(exampleUrl));
    await client.get(pathOf(exampleUrl));
    app.later(600);
    const copy = app.client();
    copy.cookies.set('device', paired.cookie.value);
    assert.equal((await copy.get(pathOf(exampleUrl))).headers.location, '/systmone/connect');
    await setUpDemoLaunches(app.context, world);
    app.later(600);
    copy.cookies.set('device', paired.cookie.value);
    assert.match(String((await copy.get(pathOf(exampleUrl))).headers.location), /^\/record/);
  });
});
