import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { withDatabase } from '../../test/support/database.ts';
import { definitions } from '../../test/support/definitions.ts';
import { describeQuery } from '../audit/audit.ts';
import { AUDIT_KEY, auditOf, verified } from '../audit/test-support.ts';
import { callsSummary } from '../audit/usage.ts';
import { permissionsOf } from '../oauth/scopes.ts';
import { loadDemoWorld } from './load.ts';
import { pastCalls } from './past-calls.ts';
import { pastNotifications } from './past-notifications.ts';
import { recordPastCalls } from './record-past-calls.ts';
import { generateWorld } from './world.ts';

const TODAY = '2026-11-22';
const world = generateWorld({ today: TODAY, patients: 80 });
const secrets = { pepper: randomBytes(32), encryptionKey: randomBytes(32), auditKey: AUDIT_KEY };
const calls = pastCalls(world, (parameters) => describeQuery(secrets, parameters));
const LETTERS: Record<string, string> = { read: 'r', 'search-type': 's', create: 'c' };

test('there are a few thousand calls of the last 30 days, in order, and the same each time', () => {
  assert.ok(calls.length > 1500 && calls.length < 5000, String(calls.length));
  assert.deepEqual(
    pastCalls(world, (parameters) => describeQuery(secrets, parameters)),
    calls,
  );
  const times = calls.map(({ at }) => at!.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times[0]! >= Date.parse('2026-10-23') && times.at(-1)! < Date.parse(TODAY));
});

test('a call was allowed only while its connection stood, within its scopes, of a patient of its organisation', () => {
  const organisationsOf = new Map(
    [...world.patients()].map(({ id, registrations }) => [
      id,
      registrations.map(({ organisationId }) => organisationId),
    ]),
  );
  for (const { connectionId, outcome, at, interaction, resourceType, patients, organisationId } of calls) {
    const connection = world.connections.find(({ id }) => id === connectionId)!;
    const stood = connection.status === 'active' || at!.toISOString() < connection.events.at(-1)!.at;
    if (!stood) assert.equal(outcome, `connection-${connection.status}`);
    if (outcome !== 'allowed') {
      assert.equal(patients, null);
      continue;
    }
    assert.ok(stood && at!.toISOString() > connection.grantedAt);
    assert.ok(permissionsOf(connection.scopes).includes(`${resourceType}.${LETTERS[interaction]}`));
    for (const patient of patients!) assert.ok(organisationsOf.get(patient)!.includes(organisationId!));
  }
});

test('refused calls are among them, for more than one reason', () => {
  const outcomes = new Set(calls.map(({ outcome }) => outcome));
  for (const outcome of ['allowed', 'not-found', 'connection-suspended', 'connection-expired'])
    assert.ok(outcomes.has(outcome), outcome);
});

test('nothing personal is in a record: no number, no name', () => {
  const text = JSON.stringify(calls);
  for (const { nhsNumber, family } of world.patients()) {
    assert.ok(!text.includes(nhsNumber));
    assert.ok(!text.includes(family));
  }
});

test('recorded through the audit, the chain verifies and the pages count the calls', () =>
  withDatabase(async (db) => {
    await loadDemoWorld({ ...db, secrets, definitions }, { today: TODAY, patients: 80 });
    const audit = auditOf(db);
    assert.equal(
      await recordPastCalls(audit, secrets, world),
      calls.length + pastNotifications(world).length,
    );
    await audit.close();
    const reports = await verified(db);
    assert.equal(reports.length, 1);
    assert.equal(reports[0]!.broken, null);
    assert.ok(reports[0]!.records >= calls.length);
    const active = calls.findLast(({ outcome }) => outcome === 'allowed')!;
    const { lastAllowed } = await callsSummary(db.database.owner, active.connectionId!);
    assert.deepEqual(lastAllowed, active.at);
  }));
