import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { uuidList } from './uuid-list.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(() => db.stop());

test('a list of none, one or thousands arrives as it was', async () => {
  for (const length of [0, 1, 5000]) {
    const ids = Array.from({ length }, () => randomUUID());
    const { rows } = await db.database.owner.query('select $1::uuid[]::text as list', [uuidList(ids)]);
    assert.equal(rows[0].list, `{${ids.join(',')}}`);
  }
});

test('capital digits are digits', async () => {
  const id = randomUUID();
  assert.deepEqual(uuidList([id.toUpperCase()]), uuidList([id]));
});

test('what is no UUID is not sent', () => {
  assert.throws(() => uuidList([randomUUID(), 'Kim']), TypeError);
  assert.throws(() => uuidList([randomUUID(), `${randomUUID().slice(0, 35)}g`]), TypeError);
  assert.throws(() => uuidList([randomUUID(), 'ł'.repeat(36)]), TypeError);
});
