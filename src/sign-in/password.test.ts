import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hashPassword, passwordProblem, verifyPassword } from './password.ts';

const pat = { name: 'Pat Smith', email: 'pat.smith@example.org' };

it('keeps passwords as argon2id with 19 MiB and two passes, salted', async () => {
  const [one, two] = await Promise.all([
    hashPassword('three random words'),
    hashPassword('three random words'),
  ]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(one, two);
});

it('knows the right password, however the keyboard composed it', async () => {
  const stored = await hashPassword('caf\u00e9 au lait please');
  assert.equal(await verifyPassword(stored, 'cafe\u0301 au lait please'), true);
  assert.equal(await verifyPassword(stored, 'cafe au lait please'), false);
  assert.equal(await verifyPassword(stored, ''), false);
});

it('takes an unreadable hash, or an endless password, for no match', async () => {
  assert.equal(await verifyPassword('not a hash', 'anything at all'), false);
  const stored = await hashPassword('');
  assert.equal(await verifyPassword(await hashPassword('right'), 'x'.repeat(100_000)), false);
  assert.equal(await verifyPassword(stored, 'x'), false);
});

it('accepts long passwords of any kind', () => {
  for (const password of [
    'three random words',
    'correct horse battery',
    '海边的房子里住着三只猫和狗',
    'Tr0ub4dor&3xyz',
  ]) {
    assert.equal(passwordProblem(password, pat), null, password);
  }
});

it('refuses what is short, endless, monotonous or made from what is known of the person', () => {
  for (const [password, why] of [
    ['elevenchars', /12 characters or more/],
    ['x1'.repeat(65), /128 characters or fewer/],
    ['aaaaaaaaaaaabb', /5 different/],
    ['Password12345', /must not be made from/],
    ['pat.smith@example.org', /must not be made from/],
    ['Pat Smith2026', /must not be made from/],
    ['pat.smith-1234', /must not be made from/],
  ] as const) {
    assert.match(passwordProblem(password, pat) ?? 'accepted', why, password);
  }
});
