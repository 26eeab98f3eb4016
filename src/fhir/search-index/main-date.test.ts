import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitions } from '../../../test/support/definitions.ts';
import { mainDateParameter } from './main-date.ts';

const CASES: [type: string, code: string | undefined][] = [
  ['Observation', 'date'],
  ['Condition', 'onset-date'],
  ['AllergyIntolerance', 'date'],
  ['MedicationStatement', 'effective'],
  ['MedicationRequest', 'authoredon'],
  ['Immunization', 'date'],
  ['Encounter', 'date'],
  ['Appointment', 'date'],
  ['DiagnosticReport', 'date'],
  ['DocumentReference', 'date'],
  ['Patient', 'birthdate'],
  ['Communication', 'sent'],
  ['Location', undefined],
];

for (const [type, code] of CASES) {
  test(`${type} is put in order by ${code ?? 'no date of its own'}`, () => {
    assert.equal(mainDateParameter(definitions, type), code);
  });
}

test('every type with a date has one to be put in order by', () => {
  for (const type of definitions.resourceTypes) {
    const dates = definitions
      .searchParameters(type)
      .filter((parameter) => parameter.type === 'date' && parameter.code !== '_lastUpdated');
    const main = mainDateParameter(definitions, type);
    if (dates.length === 0) assert.equal(main, undefined, type);
    else
      assert.ok(
        dates.some((parameter) => parameter.code === main),
        type,
      );
  }
});
