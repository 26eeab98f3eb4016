import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DATE_PREFIXES, type DateCondition, dateQuery, periodMatches } from './date-query.ts';
import { type Period, periodOf } from './period.ts';

const NOW = new Date('2025-01-01T00:00:00Z');

function conditions(raw: string): DateCondition[] {
  const result = dateQuery(raw, NOW);
  assert.ok(result.ok, raw);
  return result.value;
}

const matches = (period: Period, raw: string) => conditions(raw).some((one) => periodMatches(period, one));

/** From R4 section 3.1.1.4.6: what a day and longer periods answer to 2013-03-14. */
const CASES: [value: string, raw: string, expected: boolean][] = [
  ['2013-03-14', '2013-03-14', true],
  ['2013-03-14T10:00:00Z', '2013-03-14', true],
  ['2013-03-14T10:00:00Z', 'eq2013-03-14', true],
  ['2013-03', '2013-03-14', false],
  ['2013-03-15T00:00:00Z', '2013-03-14', false],
  ['2013-03-15T00:00:00Z', 'ne2013-03-14', true],
  ['2013-03-14T00:00:00Z', 'lt2013-03-14T10:00:00Z', true],
  ['2013-03-14T00:00:00Z', 'lt2013-03-14', false],
  ['2013-03-13', 'lt2013-03-14', true],
  ['2013-03-15', 'gt2013-03-14', true],
  ['2013-03-14', 'gt2013-03-14', false],
  ['2013-03', 'gt2013-03-14', true],
  ['2013-03', 'lt2013-03-14', true],
  ['2013-03-14', 'ge2013-03-14', true],
  ['2013-03-13', 'ge2013-03-14', false],
  ['2013-03-14', 'le2013-03-14', true],
  ['2013-03-15', 'le2013-03-14', false],
  ['2013-03-15', 'sa2013-03-14', true],
  ['2013-03', 'sa2013-03-14', false],
  ['2013-03-13', 'eb2013-03-14', true],
  ['2013-03', 'eb2013-03-14', false],
  ['2013-01-20', 'ap2013-03-14', true],
  ['2010-01-20', 'ap2013-03-14', false],
  ['2013-03-15', '2013-03-14,2013-03-15', true],
];

for (const [value, raw, expected] of CASES) {
  test(`${value} ${expected ? 'answers' : 'does not answer'} ${raw}`, () => {
    assert.equal(matches(periodOf(value)!, raw), expected);
  });
}

test('a plus sign that arrived as a space still is one', () => {
  assert.deepEqual(conditions('2020-01-01T10:00:00 01:00'), conditions('2020-01-01T10:00:00+01:00'));
});

test('what is not a date is refused without being repeated', () => {
  for (const raw of ['', 'x', 'xx2020', 'ge', '2020-13', '2020,', 'ge2020-02-30', 'GE2020', 'ge 2020']) {
    const result = dateQuery(raw, NOW);
    assert.equal(result.ok, false, raw);
    if (!result.ok && raw) assert.ok(!result.message.includes(raw) || raw === 'ge', result.message);
  }
});

/** The same rules over single milliseconds of a small world: the specification's own words, counted out. */
const instants = Array.from({ length: 12 }, (_, index) => index);
const at = (index: number) => new Date(Date.UTC(2020, 0, 1, 0, 0, 0, index)).toISOString();
const stretch = fc
  .tuple(fc.nat(11), fc.integer({ min: 1, max: 6 }))
  .map(([from, length]) => ({ from, to: Math.min(from + length, 12) }));

type Stretch = { from: number; to: number };
const holds = ({ from, to }: Stretch, instant: number) => from <= instant && instant < to;

const MODEL: Record<Exclude<DateCondition['prefix'], 'ap'>, (target: Stretch, sought: Stretch) => boolean> = {
  eq: (target, sought) => instants.every((one) => !holds(target, one) || holds(sought, one)),
  ne: (target, sought) => instants.some((one) => holds(target, one) && !holds(sought, one)),
  gt: (target, sought) => instants.some((one) => holds(target, one) && one >= sought.to),
  lt: (target, sought) => instants.some((one) => holds(target, one) && one < sought.from),
  ge: (target, sought) => MODEL.gt(target, sought) || MODEL.eq(target, sought),
  le: (target, sought) => MODEL.lt(target, sought) || MODEL.eq(target, sought),
  sa: (target, sought) => instants.every((one) => !holds(target, one) || one >= sought.to),
  eb: (target, sought) => instants.every((one) => !holds(target, one) || one < sought.from),
};

test('the prefixes mean what the specification says, instant by instant', () => {
  const prefixes = fc.constantFrom(...DATE_PREFIXES.filter((prefix) => prefix !== 'ap'));
  fc.assert(
    fc.property(stretch, stretch, prefixes, (target, sought, prefix) => {
      const found = periodMatches([at(target.from), at(target.to)], {
        prefix,
        from: at(sought.from),
        to: at(sought.to),
      });
      assert.equal(found, MODEL[prefix](target, sought));
    }),
    { numRuns: 2000 },
  );
});
