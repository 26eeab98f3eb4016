import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type Attempts, createAttempts, networkOf } from './attempts.ts';

const limit = { purpose: 'guess', free: 3, firstWaitSeconds: 10, waitSecondsMax: 60 };
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22) + seconds * 1000);

describe('counting attempts', () => {
  let db: TestDatabase;
  let attempts: Attempts;
  before(async () => {
    db = await testDatabase();
    attempts = createAttempts(db.database.service, Buffer.alloc(32, 3));
  });
  after(() => db.stop());

  it('doubles the waiting up to its limit, and refuses without counting while it lasts', async () => {
    for (let attempt = 0; attempt < limit.free - 1; attempt++) await attempts.count(limit, 'waits', at(0));
    const waits = [];
    let now = 0;
    for (let attempt = 0; attempt < 6; attempt++) {
      assert.equal(await attempts.count(limit, 'waits', at(now)), null);
      const wait = (await attempts.count(limit, 'waits', at(now))) ?? 0;
      assert.equal(await attempts.count(limit, 'waits', at(now + wait - 1)), 1);
      waits.push(wait);
      now += wait;
    }
    assert.deepEqual(waits, [10, 20, 40, 60, 60, 60]);
  });

  it('starts again after an hour without a try', async () => {
    for (let attempt = 0; attempt < 3; attempt++) await attempts.count(limit, 'hour', at(0));
    assert.equal(await attempts.count(limit, 'hour', at(1)), 9);
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(await attempts.count(limit, 'hour', at(3601)), null);
    }
    assert.notEqual(await attempts.count(limit, 'hour', at(3601)), null);
  });

  it('keeps purposes and subjects apart', async () => {
    for (let attempt = 0; attempt < 3; attempt++) await attempts.count(limit, 'apart', at(0));
    assert.notEqual(await attempts.count(limit, 'apart', at(0)), null);
    assert.equal(await attempts.count(limit, 'other', at(0)), null);
    assert.equal(await attempts.count({ ...limit, purpose: 'else' }, 'apart', at(0)), null);
  });

  it('forgets a subject whose try was right, and takes one try back where others count on', async () => {
    for (let attempt = 0; attempt < 3; attempt++) await attempts.count(limit, 'right', at(0));
    await attempts.uncount(limit, 'right');
    assert.equal(await attempts.count(limit, 'right', at(0)), null);
    assert.notEqual(await attempts.count(limit, 'right', at(0)), null);
    await attempts.forget(limit, 'right');
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.equal(await attempts.count(limit, 'right', at(0)), null);
    }
  });

  it('deletes what is a day old', async () => {
    await attempts.count(limit, 'old', at(0));
    await attempts.clean(at(86_000));
    assert.notEqual((await db.database.owner.query('select 1 from attempt')).rowCount, 0);
    await attempts.clean(at(200_000));
    assert.equal((await db.database.owner.query('select 1 from attempt')).rowCount, 0);
  });
});

it('takes an IPv4 address whole, also when written as IPv6, and an IPv6 address by its /64', () => {
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::9'));
  assert.notEqual(networkOf('2001:db8:1:2::9'), networkOf('2001:db8:1:3::9'));
  assert.equal(networkOf('somewhere'), 'somewhere');
});
