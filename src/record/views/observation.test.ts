import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from '@medplum/fhirtypes';
import { measureName, resultView } from './observation.ts';

const loinc = (code: string, display: string) => ({
  coding: [{ system: 'http://loinc.org', code, display }],
});
const mmHg = (value: number) => ({ value, unit: 'mmHg' });
const PRESSURE: Partial<Observation> = {
  code: loinc('85354-9', 'Blood pressure'),
  effectiveDateTime: '2026-05-03T09:00:00Z',
  component: [
    { code: loinc('8480-6', 'Systolic'), valueQuantity: mmHg(128) },
    { code: loinc('8462-4', 'Diastolic'), valueQuantity: mmHg(76) },
  ],
};

describe('a result', () => {
  it('of blood pressure is said as people say it, and drawn as two numbers', () => {
    const view = resultView(PRESSURE);
    assert.equal(view.value, '128/76 mmHg');
    assert.deepEqual(
      view.numbers.map(({ part, value, unit }) => [part, value, unit]),
      [
        ['Systolic', 128, 'mmHg'],
        ['Diastolic', 76, 'mmHg'],
      ],
    );
    assert.equal(view.time, Date.parse('2026-05-03T09:00:00Z'));
  });

  it('of blood pressure with anything unusual is said in full', () => {
    const [systolic, diastolic] = PRESSURE.component!;
    const third = { code: { text: 'Mean' }, valueQuantity: mmHg(93) };
    assert.equal(
      resultView({ component: [systolic!, diastolic!, third] }).value,
      'Systolic: 128 mmHg; Diastolic: 76 mmHg; Mean: 93 mmHg',
    );
    const above = { ...systolic!, valueQuantity: { ...mmHg(250), comparator: '>' as const } };
    assert.match(resultView({ component: [above, diastolic!] }).value, /Systolic: more than 250 mmHg/);
    assert.match(resultView({ component: [systolic!] }).value, /^Systolic: 128/);
  });

  it('shows the flag of a laboratory, and none for what is normal', () => {
    const flagged = (code: string, display: string) =>
      resultView({ interpretation: [{ coding: [{ code, display }] }] }).flag;
    assert.equal(flagged('H', 'High'), 'High');
    assert.equal(flagged('N', 'Normal'), '');
    const part = {
      code: { text: 'Sodium' },
      interpretation: [{ coding: [{ code: 'LL', display: 'Critical low' }] }],
    };
    assert.equal(resultView({ component: [part] }).flag, 'Sodium: Critical low');
  });

  it('says why there is no value', () => {
    const view = resultView({ dataAbsentReason: { text: 'Specimen lost' } });
    assert.equal(view.value, 'No value: Specimen lost');
    assert.deepEqual(view.numbers, []);
  });

  it('says that it is not final', () => {
    assert.equal(resultView({ status: 'preliminary' }).status, 'Preliminary');
    assert.equal(resultView({ status: 'final' }).status, '');
  });

  it('takes a reference range for the chart only when it is for everybody and in the same unit', () => {
    const bounds = (range: object) => {
      const { numbers } = resultView({
        valueQuantity: { value: 4.1, unit: 'mmol/L' },
        referenceRange: [range],
      });
      return [numbers[0]!.low, numbers[0]!.high];
    };
    const of = (value: number, unit = 'mmol/L') => ({ value, unit });
    assert.deepEqual(bounds({ low: of(3.5), high: of(5.3) }), [3.5, 5.3]);
    assert.deepEqual(bounds({ low: of(3.5), high: of(5.3), appliesTo: [{ text: 'pregnant' }] }), [
      null,
      null,
    ]);
    assert.deepEqual(bounds({ low: of(63, 'mg/dL') }), [null, null]);
    assert.deepEqual(bounds({ high: { value: 5.3 } }), [null, 5.3]);
  });

  it('has a name, whatever its code lacks', () => {
    assert.equal(measureName(PRESSURE), 'Blood pressure');
    assert.equal(measureName({}), 'Result without a name');
  });
});
