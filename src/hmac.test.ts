import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { hmacSha256 } from './hmac.ts';

const digest = (key: Buffer, text: string) => hmacSha256(key).update(text).digest('hex');

test('is the HMAC of the key it is given, the first time and later', () => {
  const keys = [randomBytes(32), randomBytes(32), randomBytes(64)];
  for (let round = 0; round < 2; round++) {
    for (const key of keys) {
      assert.equal(digest(key, 'text'), createHmac('sha256', key).update('text').digest('hex'));
    }
  }
});

test('RFC 4231, test case 2', () => {
  assert.equal(
    digest(Buffer.from('Jefe'), 'what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('keys of the same bytes are the same key', () => {
  const key = randomBytes(32);
  assert.equal(digest(key, 'a'), digest(Buffer.from(key), 'a'));
});
