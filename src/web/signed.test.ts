import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createSigner, sameText } from './signed.ts';

const key = Buffer.alloc(32, 5);

it('opens what it signed, and nothing changed, of another purpose or key', () => {
  const signer = createSigner(key, 'one');
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, other) => {
      const signed = signer.sign(value);
      assert.equal(signer.open(signed), value);
      assert.equal(createSigner(key, 'two').open(signed), null);
      assert.equal(createSigner(Buffer.alloc(32, 6), 'one').open(signed), null);
      if (other !== value) assert.equal(signer.open(other + signed.slice(value.length)), null);
      assert.equal(signer.open(value), null);
    }),
  );
  assert.equal(signer.open(undefined), null);
});

it('compares text of any length', () => {
  assert.equal(sameText('abc', 'abc'), true);
  assert.equal(sameText('abc', 'abd'), false);
  assert.equal(sameText('abc', 'ab'), false);
  assert.equal(sameText('', ''), true);
});
