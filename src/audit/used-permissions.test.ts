import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { usedPermissions } from './used-permissions.ts';

describe('what a connection makes use of', () => {
  let db: TestDatabase;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db.stop());

  const call = (
    connectionId: string,
    interaction: string,
    parts: { type?: string | null; days?: number; outcome?: string; query?: string } = {},
  ) =>
    db.database.owner.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 resource_type, query, hash)
       values (gen_random_uuid(), 1, now() - make_interval(days => $5), 'request', 'fhir', $2, $3, 200, $1, $4, $6, '')`,
      [
        connectionId,
        interaction,
        parts.outcome ?? 'allowed',
        parts.type === undefined ? 'Patient' : parts.type,
        parts.days ?? 0,
        parts.query ?? null,
      ],
    );
  const used = async (connectionId: string) =>
    [...(await usedPermissions(db.database.service, connectionId)).lastUsed.keys()].sort();

  it('is the permission that each allowed call needed', async () => {
    const id = randomUUID();
    for (const interaction of [
      'read',
      'search-type',
      'create',
      'update-conditional',
      'delete',
      '$status-query',
    ]) {
      await call(id, interaction);
    }
    assert.deepEqual(await used(id), [
      'Patient.$status-query',
      'Patient.c',
      'Patient.d',
      'Patient.r',
      'Patient.s',
      'Patient.u',
    ]);
  });

  it('is neither what was refused, nor another’s, nor long ago, nor of no kind of record', async () => {
    const id = randomUUID();
    await call(id, 'read', { outcome: 'not-found' });
    await call(randomUUID(), 'read');
    await call(id, 'read', { days: 91 });
    await call(id, 'capabilities', { type: null });
    assert.deepEqual(await used(id), []);
  });

  it('is what an operation on a subscription needs, and what a conditional write looks with', async () => {
    const id = randomUUID();
    for (const interaction of ['$status', '$events', '$redeliver'])
      await call(id, interaction, { type: 'Subscription' });
    await call(id, 'update-conditional', { type: 'Observation' });
    await call(id, 'create', { type: 'Condition' });
    await call(id, 'create', { type: 'Condition', query: 'if-none-exist=#aaaaaaaaaaaaaa' });
    await call(id, 'create', { type: 'Immunization' });
    assert.deepEqual(await used(id), [
      'Condition.c',
      'Condition.s',
      'Immunization.c',
      'Observation.s',
      'Observation.u',
      'Subscription.r',
      'Subscription.u',
    ]);
  });

  it('is nothing of what the system was sent, however often', async () => {
    const id = randomUUID();
    await call(id, 'read', { days: 60 });
    await db.database.owner.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 resource_type, hash)
       select gen_random_uuid(), n, now(), n, 'fhir', 'notify', 'allowed', 200, $1, 'Condition', ''
         from generate_series(1, 20001) n`,
      [id],
    );
    assert.deepEqual(await used(id), ['Patient.r']);
  });

  it('is told with its latest time, and how far back was looked', async () => {
    const id = randomUUID();
    for (const days of [40, 3, 20]) await call(id, days === 3 ? 'vread' : 'read', { days });
    const { lastUsed, since } = await usedPermissions(db.database.service, id);
    const daysAgo = (at: Date) => Math.round((Date.now() - at.getTime()) / 86_400_000);
    assert.equal(daysAgo(lastUsed.get('Patient.r')!), 3);
    assert.equal(daysAgo(since), 90);
  });
});
