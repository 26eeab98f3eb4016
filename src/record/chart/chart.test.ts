import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { valueTicks } from '../../web/index.ts';
import { resultView } from '../views/observation.ts';
import { lineChart } from './line-chart.ts';
import { timeTicks } from './time-axis.ts';

const result = (date: string, value: number, unit = 'kg', more: Partial<Observation> = {}) =>
  resultView({ effectiveDateTime: date, valueQuantity: { value, unit }, ...more });

describe('the values beside a chart', () => {
  it('enclose every value, are few, and are round', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const ticks = valueTicks(values);
        assert.ok(ticks.length >= 2 && ticks.length <= 7, `${ticks}`);
        const slack = (ticks.at(-1)! - ticks[0]!) * 1e-9;
        assert.ok(ticks[0]! <= Math.min(...values) + slack && ticks.at(-1)! >= Math.max(...values) - slack);
        assert.deepEqual(
          ticks,
          [...new Set(ticks)].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('have no halves where there are none', () => {
    assert.deepEqual(valueTicks([3, 4]), [3, 4]);
    assert.deepEqual(valueTicks([0.1, 0.3]), [0.1, 0.15, 0.2, 0.25, 0.3]);
  });

  it('leave room around a single value, and none below zero for what cannot be', () => {
    assert.deepEqual(valueTicks([0]), [0, 1]);
    const ticks = valueTicks([7]);
    assert.ok(ticks[0]! < 7 && ticks.at(-1)! > 7);
  });
});

describe('the times below a chart', () => {
  it('are between one and five, within the chart, and in order, for any span', () => {
    const time = fc.integer({ min: Date.UTC(1850, 0), max: Date.UTC(2150, 0) });
    fc.assert(
      fc.property(time, time, (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const ticks = timeTicks(from, to);
        assert.ok(ticks.length >= 1 && ticks.length <= 5);
        assert.ok(ticks.every((tick) => tick.time >= from && tick.time <= to));
        assert.deepEqual(
          ticks.map((tick) => tick.time),
          ticks.map((tick) => tick.time).sort((a, b) => a - b),
        );
      }),
    );
  });

  it('are years for years, months for months, days for days', () => {
    const texts = (from: string, to: string) =>
      timeTicks(Date.parse(from), Date.parse(to)).map(({ text }) => text);
    assert.deepEqual(texts('2019-05-01', '2026-01-01'), ['2020', '2022', '2024', '2026']);
    assert.deepEqual(texts('2026-01-15', '2026-04-15'), ['Feb 2026', 'Mar 2026', 'Apr 2026']);
    assert.deepEqual(texts('2026-03-01', '2026-03-04'), ['1 Mar', '2 Mar', '3 Mar', '4 Mar']);
  });
});

describe('a chart of results', () => {
  it('is drawn from two dates on', () => {
    assert.equal(lineChart('Weight', [result('2026-01-01', 70)]), null);
    assert.equal(lineChart('Weight', [result('2026-01-01', 70), result('2026-01-01', 71)]), null);
    assert.equal(lineChart('Weight', [resultView({ valueString: 'heavy' }), result('2026-01-01', 71)]), null);
    assert.ok(lineChart('Weight', [result('2026-01-02', 70), result('2026-01-01', 71)]));
  });

  it('says in words what it shows', () => {
    const chart = lineChart('Body weight', [result('2026-03-01', 70), result('2025-02-01', 74.5)])!;
    assert.equal(chart.title, 'Chart of Body weight');
    assert.equal(
      chart.description,
      '2 results from 1 February 2025 to 1 March 2026. Lowest 70 kg, highest 74.5 kg, latest 70 kg.',
    );
  });

  it('draws time from left to right and more upwards, within its frame', () => {
    const { lines, frame } = lineChart('Weight', [result('2026-03-01', 70), result('2025-02-01', 74.5)])!;
    const [first, last] = lines[0]!.points;
    assert.ok(first!.x < last!.x && first!.y < last!.y);
    for (const { x, y } of lines[0]!.points) {
      assert.ok(x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom);
    }
    assert.match(lines[0]!.path, /^M[\d.]+ [\d.]+ L[\d.]+ [\d.]+$/);
  });

  it('draws one unit, the one that most have, and says how many results it leaves out', () => {
    const chart = lineChart('Weight', [
      result('2026-03-01', 70),
      result('2026-02-01', 11, 'stone'),
      result('2026-01-01', 72),
      resultView({ valueString: 'not measured' }),
    ])!;
    assert.equal(chart.unit, 'kg');
    assert.equal(chart.lines[0]!.points.length, 2);
    assert.equal(chart.leftOut, 2);
  });

  it('draws the parts of a result as lines of their own, named at their ends', () => {
    const pressure = (date: string, systolic: number, diastolic: number) =>
      resultView({
        effectiveDateTime: date,
        component: [
          { code: { text: 'Systolic' }, valueQuantity: { value: systolic, unit: 'mmHg' } },
          { code: { text: 'Diastolic' }, valueQuantity: { value: diastolic, unit: 'mmHg' } },
        ],
      });
    const chart = lineChart('Blood pressure', [
      pressure('2026-02-01', 120, 80),
      pressure('2026-01-01', 130, 85),
    ])!;
    assert.deepEqual(
      chart.lines.map(({ name, style, points }) => [name, style, points.length]),
      [
        ['Systolic', 0, 2],
        ['Diastolic', 1, 2],
      ],
    );
    assert.match(
      chart.description,
      /Systolic: lowest 120 mmHg, highest 130 mmHg, latest 120 mmHg\. Diastolic:/,
    );
    assert.equal(chart.expected, null);
  });

  it('shades the range of the newest result, as far as it is in the chart', () => {
    const range = {
      referenceRange: [{ low: { value: 3.5, unit: 'mmol/L' }, high: { value: 5.3, unit: 'mmol/L' } }],
    };
    const chart = lineChart('Potassium', [
      result('2026-02-01', 4, 'mmol/L', range),
      result('2026-01-01', 5.9, 'mmol/L'),
    ])!;
    assert.ok(chart.expected!.height > 0);
    assert.ok(chart.expected!.y >= chart.frame.top);
    assert.equal(
      lineChart('Potassium', [result('2026-02-01', 4), result('2026-01-01', 5, 'kg', range)])!.expected,
      null,
    );
  });

  it('marks a value that is only a bound', () => {
    const below = resultView({
      effectiveDateTime: '2026-01-01',
      valueQuantity: { value: 5, comparator: '<', unit: 'ng/L' },
    });
    const { lines } = lineChart('Troponin', [result('2026-02-01', 9, 'ng/L'), below])!;
    assert.deepEqual(
      lines[0]!.points.map(({ bounded, text }) => [bounded, text]),
      [
        [true, '1 January 2026: less than 5 ng/L'],
        [false, '1 February 2026: 9 ng/L'],
      ],
    );
  });
});
