import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from './random.ts';

test('a seed always tells the same, and another seed something else', () => {
  const tell = (seed: string) => createRandom(seed).bytes(32).toString('hex');
  assert.equal(tell('a'), tell('a'));
  assert.notEqual(tell('a'), tell('b'));
  // Written down, so that a changed generator is seen: ids in people's scripts would change with it.
  assert.equal(createRandom('riverbourne').integer(0, 1_000_000), 62102);
});

test('integers stay within their bounds and reach both', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: -50, max: 50 }), fc.nat(5), (seed, min, width) => {
      const random = createRandom(seed);
      const drawn = new Set(Array.from({ length: 400 }, () => random.integer(min, min + width)));
      assert.deepEqual(
        [...drawn].sort((a, b) => a - b),
        Array.from({ length: width + 1 }, (_, n) => min + n),
      );
    }),
    { numRuns: 50 },
  );
});

test('weights are kept, and what weighs nothing is never drawn', () => {
  const random = createRandom('weights');
  const drawn = Array.from({ length: 10_000 }, () =>
    random.weighted([
      ['often', 3],
      ['never', 0],
      ['seldom', 1],
    ] as const),
  );
  assert.ok(!drawn.includes('never'));
  const often = drawn.filter((word) => word === 'often').length;
  assert.ok(often > 7200 && often < 7800, String(often));
});

test('the bell has its middle, and no tails that no body has', () => {
  const random = createRandom('bell');
  const drawn = Array.from({ length: 10_000 }, () => random.normal(100, 10));
  assert.ok(Math.abs(drawn.reduce((sum, value) => sum + value) / drawn.length - 100) < 0.5);
  assert.ok(drawn.every((value) => value >= 70 && value <= 130));
});
