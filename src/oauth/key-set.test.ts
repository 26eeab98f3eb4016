import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { keyPair } from './fixture.ts';
import { readKey, readKeySet } from './key-set.ts';

const ec = keyPair('ES384', 'ec').jwk;
const rsa = keyPair('RS384', 'rsa').jwk;

test('of a key set, what verifies an assertion is kept and nothing else', () => {
  const { keys } = readKeySet({
    keys: [
      { ...ec, x5c: ['…'], extra: 1 },
      { ...rsa, use: 'sig', alg: 'RS384' },
    ],
    more: true,
  });
  assert.deepEqual(keys, [
    { kty: 'EC', crv: 'P-384', x: ec.x, y: ec.y, kid: 'ec', use: 'sig', alg: 'ES384' },
    { kty: 'RSA', n: rsa.n, e: rsa.e, kid: 'rsa', use: 'sig', alg: 'RS384' },
  ]);
});

test('keys for other purposes are passed over', () => {
  const encryption = { ...rsa, kid: 'enc', use: 'enc' };
  assert.deepEqual(
    readKeySet({ keys: [encryption, ec] }).keys.map(({ kid }) => kid),
    ['ec'],
  );
});

const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
for (const [why, key] of [
  ['it has no kid', { ...ec, kid: undefined }],
  ['its use is not sig', { ...ec, use: 'enc' }],
  ['its key_ops do not include verify', { ...ec, key_ops: ['sign'] }],
  ['its curve is not P-384', { ...ec, crv: 'P-256' }],
  ['it lacks x or y', { ...ec, y: undefined }],
  ['its numbers make no key', { ...ec, y: ec.x }],
  ['its alg is not ES384', { ...ec, alg: 'ES256' }],
  ['its alg is not RS384', { ...rsa, alg: 'PS384' }],
  ['it is shorter than 2048 bits', { ...short, kid: 'short' }],
  ['it is longer than 8192 bits', { ...rsa, n: Buffer.alloc(2000, 255).toString('base64url') }],
  ['its exponent is too large', { ...rsa, e: rsa.n }],
  ['it is neither RSA nor EC', { kty: 'OKP', crv: 'Ed25519', x: ec.x, kid: 'k' }],
] as const) {
  test(`a key cannot be used because ${why}`, () => {
    assert.equal(readKey(key), why);
  });
}

for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
  test(`a set in which a key has "${member}" is refused whole: it is private`, () => {
    assert.throws(() => readKeySet({ keys: [ec, { ...rsa, [member]: 'AQAB' }] }), {
      code: 'KEY_SET_PRIVATE',
    });
  });
}

test('a set with a symmetric key is refused whole', () => {
  assert.throws(() => readKeySet({ keys: [ec, { kty: 'oct', kid: 'x' }] }), { code: 'KEY_SET_PRIVATE' });
});

for (const [what, value] of [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'keys'],
  ['a list', [ec]],
  ['a key by itself', ec],
  ['keys that are no list', { keys: { 0: ec } }],
  ['a list of something else', { keys: [ec, 'x'] }],
  ['far too many keys', { keys: Array.from({ length: 101 }, () => ec) }],
]) {
  test(`${what} is no key set`, () => {
    assert.throws(() => readKeySet(value), { code: 'KEY_SET_MALFORMED' });
  });
}
