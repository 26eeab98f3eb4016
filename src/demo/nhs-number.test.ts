import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isNhsNumber, testNhsNumbers } from './nhs-number.ts';

test('numbers that the NHS publishes as examples are valid', () => {
  for (const number of ['9434765919', '9990548609', '9000000009', '4010232137'])
    assert.ok(isNhsNumber(number), number);
});

test('any one digit mistyped is noticed', () => {
  const numbers = testNhsNumbers();
  for (let n = 0; n < 200; n += 1) {
    const number = numbers.next().value;
    fc.assert(
      fc.property(fc.nat(9), fc.integer({ min: 1, max: 9 }), (place, change) => {
        const digits = [...number];
        digits[place] = String((Number(digits[place]) + change) % 10);
        assert.ok(!isNhsNumber(digits.join('')));
      }),
      { numRuns: 20 },
    );
  }
});

test('what has not ten digits is no NHS number', () => {
  for (const text of ['', '999000000', '99900000000', '999 054 8609', '999054860a'])
    assert.ok(!isNhsNumber(text), text);
});

test('the range for tests is walked through without a number given twice, and all are valid', () => {
  const seen = new Set<string>();
  const numbers = testNhsNumbers();
  for (let n = 0; n < 20_000; n += 1) {
    const number = numbers.next().value;
    assert.match(number, /^999\d{7}$/);
    if (n % 20 === 0) assert.ok(isNhsNumber(number), number);
    seen.add(number);
  }
  assert.equal(seen.size, 20_000);
});
