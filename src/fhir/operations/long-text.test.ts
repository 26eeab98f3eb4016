import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { longText } from './long-text.ts';

test('is what was added, whatever characters and however much more than was thought', () => {
  const entries = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 200 });
  fc.assert(
    fc.property(entries, fc.nat(50), fc.nat(20), (added, count, entryBytes) => {
      const text = longText(count, entryBytes);
      for (const entry of added) text.add(entry);
      assert.equal(text.bytes().toString(), Buffer.from(added.join('')).toString());
    }),
  );
});
