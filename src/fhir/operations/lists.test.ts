import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entriesOf, firstByPlace, writeInstant } from './lists.ts';

test('an instant is written as it always is, whatever day it is of', () => {
  const millis = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(fc.array(millis, { minLength: 1 }), (all) => {
      for (const one of all) assert.equal(writeInstant(String(one)), new Date(one).toISOString());
    }),
  );
});

test('what was found belongs to the place that it names', () => {
  assert.deepEqual([...firstByPlace(entriesOf('{3,0,0}'), 5)], [1, -1, -1, 0, -1]);
  assert.deepEqual([...firstByPlace(entriesOf(null), 2)], [-1, -1]);
});
