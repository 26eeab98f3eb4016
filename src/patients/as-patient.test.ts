import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { PoolClient } from 'pg';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type PatientsWorld, patientsWorld } from '../../test/support/patients-app.ts';
import { newRootId } from '../ids.ts';
import { asPatient } from './as-patient.ts';

let db: TestDatabase;
let world: PatientsWorld;
let harbour: string;
let moor: string;
let nia: string;
let account: string;
let professional: string;

before(async () => {
  db = await testDatabase();
  world = patientsWorld(db.database);
  harbour = await world.organisation('Harbour Trust');
  moor = await world.organisation('Moor Surgery');
  nia = await world.patient({ organisations: [harbour, moor] });
  await world.account(nia, 'nia@example.org');
  account = (await db.database.owner.query('select id from patient_account')).rows[0].id;
  professional = newRootId();
  await world.insert('account', { id: professional, email: 'pat@x.org', name: 'Pat', password_hash: 'x' });
  await world.insert('staff_role', {
    account_id: professional,
    organisation_id: moor,
    role: 'professional',
  });
  await world.resource(nia, harbour, { resourceType: 'Condition' }, 1);
  await world.letter(nia, harbour);
  await world.letter(await world.patient({ organisations: [harbour] }), harbour);
});
after(() => db?.stop());

const counts = async (client: PoolClient) =>
  (
    await client.query(`
      select (select count(*) from resource where type <> 'Patient')::integer as resources,
             (select count(*) from letter)::integer as letters, (select count(*) from patient)::integer as patients`)
  ).rows[0];

it('sees what is the patient’s and nothing of anybody else’s', async () => {
  const seen = await asPatient(db.database.service, account, counts);
  assert.deepEqual(seen, { resources: 2, letters: 1, patients: 1 });
});

it('leaves nothing open for whoever has the connection next', async () => {
  await asPatient(db.database.service, account, counts);
  const { rows } = await db.database.service.query(
    `select current_setting('app.patient', true) as patient, current_user as who,
            (select count(*) from letter)::integer as letters`,
  );
  assert.deepEqual(rows, [{ patient: '', who: 'cs_service', letters: 0 }]);
});

it('shows an organisation nothing that is the patient’s, were both locks opened in one transaction', async () => {
  const seen = await asPatient(db.database.service, account, async (client) => {
    const { rows } = await client.query('select act_for_staff($1, $2) as role', [professional, moor]);
    assert.equal(rows[0].role, 'professional');
    const read = await client.query(`select now_read from read_letter((select id from letter limit 1))`);
    assert.equal(read.rows[0].now_read, false);
    return counts(client);
  });
  assert.deepEqual(seen, { resources: 0, letters: 0, patients: 1 });
});

it('runs nothing for an account that was closed', async () => {
  await db.database.owner.query('update patient_account set closed_at = now()');
  assert.equal(await asPatient(db.database.service, account, counts), null);
});
