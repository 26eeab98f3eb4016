import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { withDatabase } from '../../test/support/database.ts';
import { definitions } from '../../test/support/definitions.ts';
import { createReadPush } from '../connections/push/read-push.ts';
import { GIVE_UP_AFTER_SECONDS } from '../subscriptions/index.ts';
import { loadDemoWorld } from './load.ts';
import { pastNotifications } from './past-notifications.ts';
import { patientsExtra } from './patients-extra.ts';
import { pushOf } from './push.ts';
import { tellOf } from './telling.ts';
import { generateWorld } from './world.ts';

const TODAY = '2026-11-22';
const world = generateWorld({ today: TODAY, patients: 80 });
const push = pushOf(world, patientsExtra(world, [...world.patients()]).letters)!;
const secrets = { pepper: randomBytes(32), encryptionKey: randomBytes(32) };
const HOUR_MS = 3_600_000;

describe('what a connection of the demo world is told of', () => {
  it('are letters of its organisation, some delivered, some given up, and the last delivered', () => {
    const delivered = push.told.flatMap(({ deliveredAt }) => deliveredAt ?? []);
    const givenUp = push.told.flatMap(({ givenUpAt }) => givenUpAt ?? []);
    assert.ok(delivered.length >= 3 && givenUp.length >= 1, `${delivered.length} ${givenUp.length}`);
    const last = Math.max(...delivered.map(Number));
    assert.ok(last > Math.max(...push.failedAt.map(Number)), 'it works');
    assert.ok(last < Date.parse(TODAY));
    for (const { event } of push.told) {
      assert.equal(event.organisationId, push.connection.organisationId);
      assert.ok(event.at > push.createdAt);
    }
  });

  it('has a record of each attempt, in order, of the patient whose letter it is', () => {
    const records = pastNotifications(world);
    assert.equal(records.length, push.told.flatMap(({ attempts }) => attempts).length);
    assert.ok(records.length > push.told.length);
    const times = records.map(({ at }) => Number(at));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    for (const { patients, resourceId, detail } of records) {
      const { event } = push.told.find((one) => one.event.id === resourceId)!;
      assert.deepEqual(patients, [event.patientId]);
      assert.match(detail!, /^letter-read, attempt \d+$/);
    }
  });

  it('stands on the organisation’s pages as it was, and can be asked for by the system', () =>
    withDatabase(async ({ database }) => {
      await loadDemoWorld({ database, secrets, definitions }, { today: TODAY, patients: 80 });
      const { organisationId, id: connectionId } = push.connection;
      const administrator = world.staff.find(({ roles }) =>
        roles.some((held) => held.organisationId === organisationId && held.role === 'administrator'),
      )!;
      const acting = { accountId: administrator.id, organisationId };
      const [shown, ...more] = await createReadPush({ database })(acting, connectionId);
      const dead = push.told.filter(({ givenUpAt }) => givenUpAt);
      assert.deepEqual(more, []);
      assert.deepEqual(shown, {
        topic: 'letter-read',
        host: 'hooks.postbridge.example.org',
        standing: 'active',
        paused: false,
        waiting: 0,
        dead: dead.length,
        lastDelivered: push.told.flatMap(({ deliveredAt }) => deliveredAt ?? []).at(-1),
        lastFailed: push.failedAt.at(-1),
        failing: false,
        error: 'HTTP 503',
      });
      const { rows } = await database.owner.query(
        `select n.number::integer, notification_covered(n, s) as covered, l.first_read_at = n.at as caused
           from notification n join subscription s on s.id = n.subscription_id join letter l on l.id = n.focus_id`,
      );
      assert.deepEqual(
        rows,
        dead.map(({ number }) => ({ number, covered: true, caused: true })),
      );
      const counted = await database.owner.query(
        `select sum(delivered)::integer as delivered, sum(failed)::integer as failed, sum(given_up)::integer as dead
           from push_count`,
      );
      const counts = {
        delivered: push.told.length - dead.length,
        failed: push.failedAt.length,
        dead: dead.length,
      };
      assert.deepEqual(counted.rows, [counts]);
    }));
});

test('what is told keeps to the rules of sending, whenever things happen and a receiver does not work', () => {
  const from = Date.parse('2026-01-10T00:00:00Z');
  const when = fc.integer({ min: -100, max: 400 }).map((hours) => ({ at: new Date(from + hours * HOUR_MS) }));
  fc.assert(
    fc.property(fc.array(when, { maxLength: 12 }), fc.integer({ min: 0, max: 250 }), (events, hours) => {
      const outage = { from, to: from + hours * HOUR_MS, error: 'HTTP 503' };
      const { told, failedAt } = tellOf(events, outage);
      assert.deepEqual(
        told.map(({ number }) => number),
        events.map((_, index) => index + 1),
      );
      for (const { event, deliveredAt, givenUpAt, attempts } of told) {
        assert.ok((deliveredAt === null) !== (givenUpAt === null));
        const at = Number(deliveredAt ?? givenUpAt);
        const away = at >= outage.from && at < outage.to;
        assert.equal(away, givenUpAt !== null);
        if (givenUpAt) assert.ok(at - event.at.getTime() >= GIVE_UP_AFTER_SECONDS * 1000);
        else assert.deepEqual(attempts.at(-1), deliveredAt);
        for (const attempt of attempts) assert.ok(attempt > event.at);
      }
      for (const at of failedAt) assert.ok(Number(at) >= outage.from && Number(at) < outage.to);
      const all = told.flatMap(({ attempts }) => attempts).length;
      assert.equal(all, failedAt.length + told.filter(({ deliveredAt }) => deliveredAt).length);
    }),
  );
});
