import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  codeAt,
  enrolment,
  offeredSecret,
  openTotpSecret,
  sealTotpSecret,
  secretOf,
  stepOfCode,
} from './totp.ts';

const RFC_SECRET = Buffer.from('12345678901234567890');
const key = randomBytes(32);

it('agrees with the test vectors of RFC 6238 appendix B', () => {
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
  ] as const) {
    assert.equal(stepOfCode(RFC_SECRET, code, new Date(seconds * 1000)), Math.floor(seconds / 30));
  }
});

it('knows the step of a code a step early or late, and of none further', () => {
  const now = new Date('2026-11-22T09:00:10Z');
  const step = Math.floor(now.getTime() / 30_000);
  const { secret } = enrolment(RFC_SECRET, 'Connected Systems', 'pat');
  for (const shift of [-3, -2, -1, 0, 1, 2, 3]) {
    const code = codeAt(secret, new Date(now.getTime() + shift * 30_000));
    assert.equal(stepOfCode(RFC_SECRET, code, now), Math.abs(shift) <= 1 ? step + shift : null, `${shift}`);
  }
});

it('reads a code with spaces, and nothing that is not six digits', () => {
  const now = new Date(59_000);
  assert.equal(stepOfCode(RFC_SECRET, ' 287 082 ', now), 1);
  for (const code of ['', '28708', '2870820', '28708a', '２８７０８２', '-87082']) {
    assert.equal(stepOfCode(RFC_SECRET, code, now), null, code);
  }
});

it('gives back a sealed secret to its account and key alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      const sealed = sealTotpSecret(key, 'account-a', Buffer.from(bytes));
      assert.deepEqual(openTotpSecret(key, 'account-a', sealed), Buffer.from(bytes));
      assert.throws(() => openTotpSecret(key, 'account-b', sealed));
      assert.throws(() => openTotpSecret(randomBytes(32), 'account-a', sealed));
    }),
    { numRuns: 50 },
  );
});

it('does not open a sealed secret with any byte changed or missing', () => {
  const sealed = sealTotpSecret(key, 'account', RFC_SECRET);
  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed);
    altered[at]! ^= 1;
    assert.throws(() => openTotpSecret(key, 'account', altered), `byte ${at}`);
    assert.throws(() => openTotpSecret(key, 'account', sealed.subarray(0, at)), `${at} bytes`);
  }
  assert.notDeepEqual(sealTotpSecret(key, 'account', RFC_SECRET), sealed);
});

it('offers each session a secret of its own, the same each time', () => {
  const one = offeredSecret(key, Buffer.from('one'));
  assert.equal(one.length, 20);
  assert.deepEqual(offeredSecret(key, Buffer.from('one')), one);
  assert.notDeepEqual(offeredSecret(key, Buffer.from('two')), one);
  assert.notDeepEqual(offeredSecret(randomBytes(32), Buffer.from('one')), one);
});

it('gives authenticator apps what they need', () => {
  const { secret, uri } = enrolment(RFC_SECRET, 'Connected Systems', 'pat@example.org');
  assert.deepEqual(secretOf(secret), RFC_SECRET);
  const url = new URL(uri);
  assert.equal(url.protocol, 'otpauth:');
  assert.equal(
    decodeURIComponent(url.pathname),
    '//totp/Connected Systems:pat@example.org'.replace('//totp', ''),
  );
  assert.equal(url.host, 'totp');
  assert.deepEqual(
    ['secret', 'algorithm', 'digits', 'period'].map((name) => url.searchParams.get(name)),
    [secret, 'SHA1', '6', '30'],
  );
});
