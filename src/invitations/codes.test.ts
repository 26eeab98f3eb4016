import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hashAccessCode, hashInvitationCode, newInvitationPair, readCode } from './codes.ts';

const PEPPER = Buffer.alloc(32, 3);

it('makes pairs of ten characters each that nobody mistakes for others', () => {
  const seen = new Set<string>();
  for (let made = 0; made < 500; made++) {
    const { code, token } = newInvitationPair(PEPPER);
    for (const each of [code, token]) {
      assert.match(each, /^[A-Z0-9]{10}$/);
      assert.doesNotMatch(each, /[AEIOU01LZ25S8BV]/);
      seen.add(each);
    }
  }
  assert.equal(seen.size, 1000);
});

it('uses every letter of its alphabet about equally often', () => {
  const counts = new Map<string, number>();
  for (let made = 0; made < 2000; made++) {
    for (const letter of newInvitationPair(PEPPER).code) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  assert.equal(counts.size, 21);
  const expected = 20_000 / 21;
  for (const [letter, count] of counts) {
    assert.ok(Math.abs(count - expected) < expected * 0.2, `${letter} came ${count} times`);
  }
});

it('reads a code however it was typed, and nothing that cannot be one', () => {
  const { code } = newInvitationPair(PEPPER);
  const spaced = ` ${code.slice(0, 5).toLowerCase()}-${code.slice(5, 7)} ${code.slice(7)}\u00a0`;
  assert.equal(readCode(spaced), code);
  assert.equal(readCode(code.replace(/^.{5}/, '$&\u2013')), code);
  for (const wrong of [
    '',
    code.slice(1),
    `${code}C`,
    `0${code.slice(1)}`,
    `É${code.slice(1)}`,
    '🙂'.repeat(10),
  ]) {
    assert.equal(readCode(wrong), null, wrong);
  }
});

it('stores hashes that need the pepper, and keeps the two codes of a pair apart', () => {
  const { code, token, codeHash, tokenHash } = newInvitationPair(PEPPER);
  assert.deepEqual(hashInvitationCode(PEPPER, code), codeHash);
  assert.deepEqual(hashAccessCode(PEPPER, token), tokenHash);
  assert.notDeepEqual(hashAccessCode(PEPPER, code), codeHash);
  assert.notDeepEqual(hashInvitationCode(Buffer.alloc(32, 4), code), codeHash);
});
