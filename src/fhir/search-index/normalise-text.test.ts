import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normaliseText } from './normalise-text.ts';

const CASES: [text: string, normalised: string][] = [
  ['Smith', 'smith'],
  ['  SMITH   Jones ', 'smith jones'],
  ['Smith-Jones', 'smith jones'],
  ["O'Brien", 'obrien'],
  ['O’Brien', 'obrien'],
  ['St. John', 'st john'],
  ['Siân Müller-Weiß', 'sian muller weiss'],
  ['Łukasz Ørsted', 'lukasz orsted'],
  ['Nguyễn', 'nguyen'],
  ['ﬁne', 'fine'],
  ['Александр', 'александр'],
  ['王小明', '王小明'],
  ['10, Downing_Street%', '10 downing street'],
  ['--- ...', ''],
  ['', ''],
];

for (const [text, normalised] of CASES) {
  test(`"${text}" is compared as "${normalised}"`, () => {
    assert.equal(normaliseText(text), normalised);
  });
}

test('a normalised text is its own, and holds no wildcard, no accent and no upper case', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      const normalised = normaliseText(text);
      assert.equal(normaliseText(normalised), normaliseText(normaliseText(normalised)));
      assert.doesNotMatch(normalised, /[%_\\'".,]|^ | $| {2}/);
      assert.equal(normalised, normalised.toLowerCase());
    }),
    { numRuns: 1000 },
  );
});
