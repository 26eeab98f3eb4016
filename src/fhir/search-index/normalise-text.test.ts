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

test('a normalised text stays as it is, and holds no wildcard, no accent and no upper case', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const normalised = normaliseText(text);
      assert.equal(normaliseText(normalised), normalised);
      assert.doesNotMatch(normalised, /[^\p{L}\p{N} ]|^ | $| {2}/u);
      assert.equal(normalised, normalised.toLowerCase());
    }),
    { numRuns: 2000 },
  );
});

test('what begins a text also begins it when both are normalised', () => {
  const letters = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), { maxLength: 40 });
  fc.assert(
    fc.property(letters, fc.nat(40), (text, length) => {
      const beginning = text.slice(0, length).join('');
      assert.ok(normaliseText(text.join('')).startsWith(normaliseText(beginning)));
    }),
    { numRuns: 2000 },
  );
  assert.ok(normaliseText('ΟΔΥΣΣΕΥΣ').startsWith(normaliseText('ΟΔΥΣ')));
});
