import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BEGINNING, END, periodOf, spanOf, unite } from './period.ts';

const CASES: [text: string, from: string, to: string][] = [
  ['2020', '2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ['2020-02', '2020-02-01T00:00:00.000Z', '2020-03-01T00:00:00.000Z'],
  ['2020-12', '2020-12-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
  ['2020-12-31', '2020-12-31T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ['2020-01-01T10:30', '2020-01-01T10:30:00.000Z', '2020-01-01T10:31:00.000Z'],
  ['2020-01-01T10:30:15Z', '2020-01-01T10:30:15.000Z', '2020-01-01T10:30:16.000Z'],
  ['2020-01-01T10:30:15.5Z', '2020-01-01T10:30:15.500Z', '2020-01-01T10:30:15.600Z'],
  ['2020-01-01T10:30:15.123456Z', '2020-01-01T10:30:15.123Z', '2020-01-01T10:30:15.124Z'],
  ['2020-06-01T00:30:00+01:00', '2020-05-31T23:30:00.000Z', '2020-05-31T23:30:01.000Z'],
  ['2020-06-01T23:30:00-05:30', '2020-06-02T05:00:00.000Z', '2020-06-02T05:00:01.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z', '2017-01-01T00:00:01.000Z'],
  ['0001', BEGINNING, '0002-01-01T00:00:00.000Z'],
  ['0099-12', '0099-12-01T00:00:00.000Z', '0100-01-01T00:00:00.000Z'],
  ['9999', '9999-01-01T00:00:00.000Z', END],
  ['0001-01-01T00:00:00+14:00', BEGINNING, BEGINNING],
];

for (const [text, from, to] of CASES) {
  test(`${text} covers what its precision says`, () => {
    assert.deepEqual(periodOf(text), [from, to]);
  });
}

test('what is not a date covers nothing', () => {
  for (const text of [
    ...[
      '',
      '20',
      '0000',
      '2020-13',
      '2020-00',
      '2023-02-29',
      '2020-04-31',
      '2020-1-1',
      '01/02/2020',
      '2020-01-01T24:00',
    ],
    ...[
      '2020-01-01T10',
      '2020-01-01T10:60',
      '2020-01-01T10:00:61Z',
      '2020-01-01T10:00:00+15:00',
      '2020Z',
      ' 2020',
      '2020\n',
    ],
  ]) {
    assert.equal(periodOf(text), undefined, text);
  }
});

test('a period with an open end reaches to the end of time, one with neither is none', () => {
  assert.deepEqual(spanOf('2020', '2021-06'), ['2020-01-01T00:00:00.000Z', '2021-07-01T00:00:00.000Z']);
  assert.deepEqual(spanOf('2020', undefined), ['2020-01-01T00:00:00.000Z', END]);
  assert.deepEqual(spanOf(undefined, '2020'), [BEGINNING, '2021-01-01T00:00:00.000Z']);
  assert.equal(spanOf(undefined, undefined), undefined);
  assert.equal(spanOf('x', 1), undefined);
  assert.equal(spanOf('2021', '2020'), undefined);
});

test('the shortest period that holds two begins and ends with one of them', () => {
  const whole = unite(['2020-05', '2020-06'], ['2020-01', '2020-03']);
  assert.deepEqual(whole, ['2020-01', '2020-06']);
});

test('an instant is in its second, its second in its minute, its minute in its day, its day in its month and year', () => {
  const time = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(time, (date) => {
      const text = date.toISOString();
      const cuts = [
        text,
        text.slice(0, 19) + 'Z',
        text.slice(0, 16) + 'Z',
        ...[10, 7, 4].map((end) => text.slice(0, end)),
      ];
      const periods = cuts.map((cut) => periodOf(cut)!);
      for (const [index, [from, to]] of periods.entries()) {
        assert.ok(from <= text && text < to, cuts[index]);
        const wider = periods[index + 1];
        if (wider) assert.ok(wider[0] <= from && to <= wider[1], cuts[index]);
      }
    }),
  );
});
