import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { htmlProblems } from '../../test/support/html.ts';
import { type PageClient, textOf } from '../../test/support/page-client.ts';
import {
  type PatientsApp,
  type PatientsWorld,
  patientsApp,
  patientsWorld,
} from '../../test/support/patients-app.ts';

describe('a patient’s own record', () => {
  let db: TestDatabase;
  let service: PatientsApp;
  let world: PatientsWorld;
  let client: PageClient;
  let nia: string;
  let harbour: string;
  let moor: string;
  before(async () => {
    db = await testDatabase();
    service = await patientsApp(db.database);
    world = patientsWorld(db.database);
    harbour = await world.organisation('Harbour Trust');
    moor = await world.organisation('Moor Surgery');
    nia = await world.patient({ organisations: [harbour, moor] });
    await world.account(nia, 'nia@example.org');
    client = await service.signedIn('nia@example.org');
  });
  after(async () => {
    await service?.app.close();
    await db?.stop();
  });

  const condition = (patientId: string, text: string) => ({
    resourceType: 'Condition',
    subject: { reference: `Patient/${patientId}` },
    clinicalStatus: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
    },
    code: { text },
  });

  it('shows what every organisation wrote, under whatever label, and nobody else’s', async () => {
    const other = await world.patient({ organisations: [harbour] });
    await world.resource(nia, harbour, condition(nia, 'Asthma'), 0);
    await world.resource(nia, moor, condition(nia, 'Depression'), 1);
    await world.resource(other, harbour, condition(other, 'Gout'), 0);
    const page = await client.get('/my/record?section=problems');
    const text = textOf(page.body);
    assert.match(text, /Your record/);
    assert.match(text, /Asthma/);
    assert.match(text, /Depression/);
    assert.match(text, /Moor Surgery/);
    assert.doesNotMatch(text, /Gout/);
    assert.deepEqual(await htmlProblems(page.body), []);
    const [entry] = service.audit.slice(-1);
    assert.deepEqual([entry?.interaction, entry?.patients, entry?.detail], ['my-record', [nia], 'problems']);
  });

  it('opens no letter past its receipt', async () => {
    const id = await world.letter(nia, harbour, { title: 'Clinic letter' });
    assert.equal((await client.get(`/my/record/letter?id=${id}`)).statusCode, 404);
    assert.equal((await client.get(`/my/record/letter/file?id=${id}&n=0`)).statusCode, 404);
    const { rows } = await db.database.owner.query('select first_read_at from letter where id = $1', [id]);
    assert.equal(rows[0].first_read_at, null);
  });

  it('is for nobody who is not signed in', async () => {
    assert.match(String((await service.client().get('/my/record')).headers.location), /^\/my\/sign-in/);
  });

  it('shows a connection that is not the patient’s nothing at all', async () => {
    // No lock is open: what a statement would see that forgot to ask.
    const { rows } = await db.database.service.query(
      `select (select count(*) from resource) + (select count(*) from letter) + (select count(*) from invitation)
            + (select count(*) from registration) + (select count(*) from patient) as seen`,
    );
    assert.equal(rows[0].seen, 0);
  });
});
