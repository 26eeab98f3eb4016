import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isKeptSecret, newSecret, secretHash } from './client-secret.ts';

const pepper = randomBytes(32);

test('a secret is 256 bits of its own and needs no escaping in a URL, a form or a shell', () => {
  const secrets = new Set(Array.from({ length: 1000 }, newSecret));
  assert.equal(secrets.size, 1000);
  for (const secret of secrets) assert.match(secret, /^[\w-]{43}$/);
});

test('what is kept of a secret depends on the pepper and does not hold the secret', () => {
  const secret = newSecret();
  assert.deepEqual(secretHash(pepper, secret), secretHash(pepper, secret));
  assert.notDeepEqual(secretHash(pepper, secret), secretHash(randomBytes(32), secret));
  assert.equal(secretHash(pepper, secret).length, 32);
});

test('either of two live secrets is accepted, and nothing else', () => {
  const [old, fresh, other] = [newSecret(), newSecret(), newSecret()].map((secret) =>
    secretHash(pepper, secret),
  );
  assert.equal(isKeptSecret([old!, fresh!], old!), true);
  assert.equal(isKeptSecret([old!, fresh!], fresh!), true);
  assert.equal(isKeptSecret([old!, fresh!], other!), false);
  assert.equal(isKeptSecret([old!], other!), false);
});

test('a system without a secret has no secret, not even one of zeros', () => {
  assert.equal(isKeptSecret([], secretHash(pepper, '')), false);
  assert.equal(isKeptSecret([], Buffer.alloc(32)), false);
});
