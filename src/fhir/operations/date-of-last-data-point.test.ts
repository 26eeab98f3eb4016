import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labelBits, observationOf } from '../../../test/support/world.ts';
import { entriesOf, nationalNumber, type OperationsWorld, operationsWorld } from './fixture.ts';

const LAST = 'Patient/$date-of-last-data-point';

let w: OperationsWorld;

before(async () => {
  w = await operationsWorld();
});
after(() => w.world.stop());

const ask = async (
  ...args: Parameters<OperationsWorld['ask']> extends [string, ...infer Rest] ? Rest : never
) => {
  const answer = await w.ask(LAST, ...args);
  assert.equal(answer.status, 200, answer.text);
  return entriesOf(answer.json, 'lastDataPointsResult').map(({ patientIdentifier, ...rest }) => rest);
};
const written = (
  organisation: { id: string },
  patient: { id: string },
  at: string,
  label: 'GENERAL_HEALTH' | 'MENTAL_HEALTH' = 'GENERAL_HEALTH',
) => w.world.stored(organisation, observationOf(patient), { patientId: patient.id, at: new Date(at), label });

test('says when anything but demographics was last written, whoever asks for it again', async () => {
  const patient = await w.patient();
  assert.deepEqual(await ask([patient.number]), [
    { diagnostics: 'Nothing has been written that this connection can see', outcome: 'no-data' },
  ]);
  await written(w.here, patient, '2026-03-01T10:00:00.123Z');
  const newest = await written(w.here, patient, '2026-03-02T10:00:00.456Z');
  await written(w.here, patient, '2026-02-01T10:00:00.789Z');
  assert.deepEqual(await ask([patient.number]), [
    { lastRecordUpdate: '2026-03-02T10:00:00.456Z', outcome: 'found' },
  ]);
  await w.sql('delete from resource where id = $1', newest.id);
  assert.deepEqual(await ask([patient.number, patient.number]), [
    { lastRecordUpdate: '2026-03-01T10:00:00.123Z', outcome: 'found' },
    { lastRecordUpdate: '2026-03-01T10:00:00.123Z', outcome: 'found' },
  ]);
  assert.deepEqual(w.world.audit.at(-1)!.patients, [patient.id]);
});

test('what the patient does not share, and what the connection does not cover, has no date', async () => {
  const patient = await w.patient();
  await w.world.register(patient, w.here, { shares: labelBits('GENERAL_HEALTH') });
  await written(w.there, patient, '2026-03-09T00:00:00Z', 'MENTAL_HEALTH');
  await written(w.there, patient, '2026-03-05T00:00:00Z');
  await written(w.here, patient, '2026-03-07T00:00:00Z', 'MENTAL_HEALTH');
  assert.equal((await ask([patient.number]))[0]!.lastRecordUpdate, '2026-03-07T00:00:00.000Z');
  const { token: as } = await w.world.access(w.here, {
    scopes: ['system/Patient.$date-of-last-data-point'],
    labels: labelBits('GENERAL_HEALTH'),
  });
  assert.equal((await ask([patient.number], { as }))[0]!.lastRecordUpdate, '2026-03-05T00:00:00.000Z');
});

test('a patient of another organisation is answered exactly like one who does not exist', async () => {
  const theirs = await w.patient(w.there);
  await written(w.there, theirs, '2026-03-09T00:00:00Z');
  const entries = await ask([theirs.number, nationalNumber(), '1234567890', { system: 'urn:x', value: '1' }]);
  assert.deepEqual(entries[0], entries[1]);
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ['not-found', 'not-found', 'identifier-invalid', 'identifier-unsupported'],
  );
});

test('takes one to five hundred identifiers, and refuses none and more', async () => {
  const patient = await w.patient();
  const many = Array.from({ length: 500 }, () => patient.number);
  assert.equal((await ask(many)).length, 500);
  assert.equal((await w.ask(LAST, [])).code, 'parameters-invalid');
  assert.equal((await w.ask(LAST, [...many, patient.number])).code, 'too-many');
});
