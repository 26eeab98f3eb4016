import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { labelBits, observationOf } from '../../../test/support/world.ts';
import { NHS, nationalNumber, type OperationsWorld, operationsWorld } from './fixture.ts';

/* What the statements of the operations call is bound by the decision of its transaction, whatever it is asked. */

let w: OperationsWorld;
before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

const service = () => w.world.db.database.service;
const named = (numbers: string[]) => [[NHS], numbers.map((_, n) => n), numbers.map(() => 1), numbers];

test('without a decision the functions know nobody, and do nothing', async () => {
  const { number, id } = await w.patient();
  for (const name of ['fhir_patient_statuses', 'fhir_last_data_points']) {
    const { rows } = await service().query(`select places from ${name}($1, $2, $3, $4)`, named([number]));
    assert.deepEqual(rows, [{ places: null }]);
  }
  const receipts = await service().query(`select places from fhir_read_receipts(array[''], array['letter'])`);
  assert.deepEqual(receipts.rows, [{ places: null }]);
  const fresh = nationalNumber();
  const empty = "'{}'";
  const registered = await service().query(
    `select * from fhir_register_patients(array[gen_random_uuid()], array['1980-01-01'::date], array[false], array[0::smallint],
       array[1], array['${NHS}'], array['${fresh}'], ${empty}, ${empty}, array[now()], array[now()], array['a'], array['a'],
       array['a'], array[null::text], array[null::text], array['{}'])`,
  );
  assert.deepEqual(registered.rows, []);
  assert.deepEqual(await w.sql('select 1 from patient_identifier where value = $1', fresh), []);
  const updated = await service().query(
    `select fhir_update_patients(array['${id}'::uuid], array[1], array[true], array[now()], array[now()], array['a'], array['a'],
       array['a'], array[null::text], array[null::text], array['{}']) as changed`,
  );
  assert.equal(updated.rows[0].changed, 0);
  for (const table of ['registration_identifier', 'operation_answer', 'register_job', 'register_part']) {
    assert.deepEqual((await service().query(`select * from ${table}`)).rows, [], table);
  }
  await assert.rejects(service().query('select * from birth_date_failure'), /permission denied/);
});

test('with one, they know the patients of its organisation, labels and teams', async () => {
  const [own, theirs] = [await w.patient(), await w.patient(w.there)];
  await w.world.stored(w.here, observationOf(own), { patientId: own.id, label: 'MENTAL_HEALTH' });
  const team = await w.world.team(w.here);
  const known = async (limits: { labels?: number; teams?: string[] }) => {
    const { token } = await w.world.access(w.here, { scopes: ['system/Patient.$status-query'], ...limits });
    const asked = [createHash('sha256').update(token).digest(), w.here.id, ['Patient.$status-query']];
    const { rows } = await service().query(
      `select f.places, f.at[1] is not null as dated from decide($1, $2, $3) d, fhir_last_data_points($4, $5, $6, $7) f
        where d.outcome = 'allowed'`,
      [...asked, ...named([own.number, theirs.number])],
    );
    return rows[0];
  };
  assert.deepEqual(await known({}), { places: [0], dated: true });
  assert.deepEqual(await known({ labels: labelBits('GENERAL_HEALTH') }), {
    places: [0],
    dated: false,
  });
  assert.deepEqual(await known({ teams: [team.id] }), { places: null, dated: false });
});
