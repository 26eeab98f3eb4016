import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUuid, newResourceId, newRootId, pooledRandom, routeOf } from './ids.ts';

test('every id is a version 8 UUID, and no two are alike', () => {
  const ids = Array.from({ length: 500 }, () => newRootId());
  for (const id of ids) {
    assert.ok(isUuid(id));
    assert.match(id, /^.{14}8.{4}[89ab]/);
  }
  assert.equal(new Set(ids).size, ids.length);
});

test('a resource carries the routing key of its owner, so a read by id finds the shard', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const owner = newRootId(() => Buffer.from(bytes));
      const resource = newResourceId(owner);
      assert.equal(routeOf(resource), routeOf(owner));
      assert.notEqual(resource, owner);
      assert.ok(isUuid(resource));
    }),
  );
});

test('a routing key is what PostgreSQL makes of the same 32 bits: a signed integer', () => {
  assert.equal(routeOf('00000001-0000-8000-8000-000000000000'), 1);
  assert.equal(routeOf('ffffffff-0000-8000-8000-000000000000'), -1);
  assert.equal(routeOf('80000000-0000-8000-8000-000000000000'), -2147483648);
});

test('what is no lower-case UUID is no id: FHIR ids are case-sensitive', () => {
  for (const text of [
    '',
    'x',
    '943 476 5919',
    '00000001-0000-8000-8000-00000000000',
    newRootId().toUpperCase(),
  ]) {
    assert.equal(isUuid(text), false);
  }
});

test('pooled random bytes are never given twice, in the pool or beyond it', () => {
  const random = pooledRandom(160);
  const given = Array.from({ length: 25 }, () => random(16));
  assert.ok(given.every((bytes) => bytes.length === 16));
  // Whatever one of them is turned into leaves the others as they are.
  const before = given.map((bytes) => bytes.toString('hex'));
  given[3]!.fill(0);
  assert.deepEqual(
    given.map((bytes) => bytes.toString('hex')).filter((_, n) => n !== 3),
    before.filter((_, n) => n !== 3),
  );
  assert.equal(new Set(before).size, 25);
});
