import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectedWorld } from '../../test/support/connected-world.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Context } from '../context.ts';
import { settleExpired } from './change-standing.ts';
import { createGrantAccess, type Grant } from './grant-access.ts';
import { createResumeAccess } from './resume-access.ts';
import { reviewDigest } from './reviewed-system.ts';
import { createRevokeAccess } from './revoke-access.ts';
import { connectionOf, historyOf, liveSystem } from './store.ts';
import { createSuspendAccess } from './suspend-access.ts';

describe('granting and ending access', () => {
  let db: TestDatabase;
  let world: ReturnType<typeof connectedWorld>;
  let audited: AuditEntry[];
  let context: Pick<Context, 'database' | 'audit'>;
  let use: ReturnType<typeof useCases>;

  before(async () => {
    db = await testDatabase({ poolSize: 12 });
    world = connectedWorld(db.database.owner);
    audited = [];
    context = {
      database: db.database,
      audit: { record: async (entry: AuditEntry) => void audited.push(entry) } as unknown as Context['audit'],
    };
    use = useCases(context);
  });
  after(() => db.stop());

  const service = () => db.database.service;
  async function reviewed(clientId: string): Promise<Grant> {
    const system = (await liveSystem(service(), clientId))!;
    return {
      clientId,
      reviewed: reviewDigest(system),
      scopes: system.scopes,
      labels: 15,
      teams: null,
      lastDay: null,
      reason: null,
    };
  }
  async function setUp(scopes?: string[]) {
    const organisation = await world.organisation();
    const administrator = await world.staff(organisation.id);
    const clientId = await world.system(scopes && { scopes });
    return { organisation, administrator, clientId };
  }
  async function connected() {
    const set = await setUp();
    const granted = await use.grant(set.administrator, await reviewed(set.clientId));
    assert.equal(granted.outcome, 'granted');
    return { ...set, connectionId: granted.outcome === 'granted' ? granted.connectionId : '' };
  }
  const endNow = (connectionId: string) =>
    db.database.owner.query('update connection set expires_at = clock_timestamp() where id = $1', [
      connectionId,
    ]);

  it('grants what was reviewed, in full, and notes who and when', async () => {
    const { administrator, organisation, clientId } = await setUp();
    const granted = await use.grant(administrator, { ...(await reviewed(clientId)), reason: 'Trial' });
    assert.equal(granted.outcome, 'granted');
    assert.ok('connectionId' in granted);
    const connection = (await connectionOf(service(), organisation.id, granted.connectionId))!;
    assert.equal(connection.status, 'active');
    assert.deepEqual(connection.scopes, ['system/Observation.cruds', 'system/Patient.rs']);
    assert.equal(connection.grantedBy, administrator.name);
    assert.equal(connection.reason, 'Trial');
    assert.equal(connection.labels, 15);
    assert.deepEqual(await historyOf(service(), organisation.id, clientId), [
      {
        connectionId: connection.id,
        at: connection.grantedAt,
        kind: 'granted',
        by: administrator.name,
        detail: 'Trial',
      },
    ]);
    const entry = audited.find((each) => each.connectionId === connection.id)!;
    assert.deepEqual(
      [entry.interaction, entry.outcome, entry.accountId, entry.clientId, entry.status, entry.detail],
      [
        'grant',
        'allowed',
        administrator.accountId,
        clientId,
        303,
        'system/Observation.cruds system/Patient.rs',
      ],
    );
  });

  it('makes one connection of ten grants sent at once, and tells the other nine of it', async () => {
    const { organisation, administrator, clientId } = await setUp();
    const second = await world.staff(organisation.id);
    const grant = await reviewed(clientId);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) => use.grant(n % 2 ? administrator : second, grant)),
    );
    const granted = results.filter(({ outcome }) => outcome === 'granted');
    assert.equal(granted.length, 1);
    for (const result of results) {
      if (result.outcome === 'granted') continue;
      assert.equal(result.outcome, 'already-connected');
      assert.ok('connection' in result && result.connection.grantedBy && result.connection.grantedAt);
    }
    const { rows } = await service().query(
      'select kind from connection_event e join connection c on c.id = e.connection_id where c.client_id = $1',
      [clientId],
    );
    assert.equal(rows.length, 1);
  });

  it('revokes once of ten sent at once, and tells the other nine by whom and when', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    const results = await Promise.all(
      Array.from({ length: 10 }, () => use.revoke(administrator, { connectionId, reason: null })),
    );
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), [
      'changed',
      ...Array(9).fill('unchanged'),
    ]);
    for (const result of results) {
      if (result.outcome !== 'unchanged') continue;
      assert.equal(result.status, 'revoked');
      assert.equal(result.last?.kind, 'revoked');
      assert.equal(result.last?.by, administrator.name);
      assert.ok(result.last?.at instanceof Date);
    }
    const history = await historyOf(service(), organisation.id, clientId);
    assert.deepEqual(
      history.map(({ kind }) => kind),
      ['revoked', 'granted'],
    );
  });

  it('gives a revoke the time after its commit, the same that the page shows later', async () => {
    const { organisation, administrator, connectionId } = await connected();
    const revoked = await use.revoke(administrator, { connectionId, reason: 'Contract ended' });
    assert.equal(revoked.outcome, 'changed');
    const connection = (await connectionOf(service(), organisation.id, connectionId))!;
    assert.ok('at' in revoked);
    assert.deepEqual(connection.endedAt, revoked.at);
    assert.equal(connection.endedBy, administrator.name);
    assert.equal(connection.endReason, 'Contract ended');
    const [event] = await historyOf(service(), organisation.id, connection.clientId);
    assert.ok(event!.at <= revoked.at, 'the act is noted before it is certain');
  });

  it('ends in a whole state when grants and revokes race', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    const grant = await reviewed(clientId);
    const results = await Promise.all([
      ...Array.from({ length: 5 }, () => use.revoke(administrator, { connectionId, reason: null })),
      ...Array.from({ length: 5 }, () => use.grant(administrator, grant)),
    ]);
    const granted = results.filter(({ outcome }) => outcome === 'granted').length;
    assert.ok(granted <= 1);
    assert.equal(results.filter(({ outcome }) => outcome === 'changed').length, 1);
    const history = await historyOf(service(), organisation.id, clientId);
    assert.equal(history.filter(({ kind }) => kind === 'granted').length, 1 + granted);
    const { rows } = await service().query(
      `select count(*) from connection where client_id = $1 and status in ('active', 'suspended')`,
      [clientId],
    );
    assert.equal(rows[0].count, granted);
  });

  it('grants again after a revoke as a new, newer connection, even when the clock was set back', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    await use.revoke(administrator, { connectionId, reason: null });
    await db.database.owner.query(
      `update connection set granted_at = now() + interval '1 hour' where id = $1`,
      [connectionId],
    );
    const again = await use.grant(administrator, await reviewed(clientId));
    assert.ok(again.outcome === 'granted' && again.connectionId !== connectionId);
    const { rows } = await service().query(
      'select id from connection where organisation_id = $1 and client_id = $2 order by granted_at desc limit 1',
      [organisation.id, clientId],
    );
    assert.equal(rows[0].id, again.connectionId);
  });

  it('suspends and resumes, each once, with the same permissions as before', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    const before = await connectionOf(service(), organisation.id, connectionId);
    assert.equal((await use.suspend(administrator, { connectionId, reason: 'Checking' })).outcome, 'changed');
    const twice = await use.suspend(administrator, { connectionId, reason: null });
    assert.ok(twice.outcome === 'unchanged' && twice.last?.kind === 'suspended');
    assert.equal((await use.grant(administrator, await reviewed(clientId))).outcome, 'already-connected');
    assert.equal((await use.resume(administrator, { connectionId, reason: null })).outcome, 'changed');
    assert.equal((await use.resume(administrator, { connectionId, reason: null })).outcome, 'unchanged');
    assert.deepEqual(await connectionOf(service(), organisation.id, connectionId), before);
    const kinds = (await historyOf(service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['resumed', 'suspended', 'granted']);
  });

  it('brings no revoked connection back by resuming it', async () => {
    const { administrator, connectionId } = await connected();
    await use.revoke(administrator, { connectionId, reason: null });
    const resumed = await use.resume(administrator, { connectionId, reason: null });
    assert.ok(resumed.outcome === 'unchanged' && resumed.status === 'revoked');
  });

  it('grants only what was left ticked, and never more than the registration', async () => {
    const { organisation, administrator, clientId } = await setUp([
      'system/Observation.cruds',
      'system/Patient.rs',
    ]);
    const granted = await use.grant(administrator, {
      ...(await reviewed(clientId)),
      scopes: ['system/Observation.rs', 'system/Condition.cruds', 'nonsense'],
      labels: 0b0101,
    });
    assert.ok(granted.outcome === 'granted');
    const connection = (await connectionOf(service(), organisation.id, granted.connectionId))!;
    assert.deepEqual(connection.scopes, ['system/Observation.rs']);
    assert.equal(connection.labels, 0b0101);
    const { rows } = await service().query('select permissions from connection where id = $1', [
      connection.id,
    ]);
    assert.deepEqual(rows[0].permissions, ['Observation.r', 'Observation.s']);
    assert.equal(audited.at(-1)!.detail, 'system/Observation.rs; labels GENERAL_HEALTH SEXUAL_HEALTH');
  });

  it('limits a connection to teams of the organisation, and grants nothing for teams of another', async () => {
    const { organisation, administrator, clientId } = await setUp();
    const ours = await world.team(organisation.id, 'Physiotherapy');
    const theirs = await world.team((await world.organisation()).id, 'Theirs');
    const grant = await reviewed(clientId);
    assert.deepEqual(await use.grant(administrator, { ...grant, teams: [theirs] }), {
      outcome: 'nothing-granted',
    });
    const granted = await use.grant(administrator, { ...grant, teams: [theirs, ours] });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(service(), organisation.id, granted.connectionId);
    assert.deepEqual(connection?.teams, [ours]);
    assert.deepEqual(connection?.teamNames, ['Physiotherapy']);
  });

  it('cuts a wildcard that was never registered down to the registration', async () => {
    const { organisation, administrator, clientId } = await setUp(['system/Patient.rs']);
    const granted = await use.grant(administrator, {
      ...(await reviewed(clientId)),
      scopes: ['system/*.cruds'],
    });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(service(), organisation.id, granted.connectionId);
    assert.deepEqual(connection?.scopes, ['system/Patient.rs']);
  });

  for (const nothing of [{ scopes: [] }, { scopes: ['system/Condition.r'] }, { labels: 0 }, { labels: 16 }]) {
    it(`grants nothing when nothing is asked: ${JSON.stringify(nothing)}`, async () => {
      const { administrator, clientId } = await setUp();
      const result = await use.grant(administrator, { ...(await reviewed(clientId)), ...nothing });
      assert.deepEqual(result, { outcome: 'nothing-granted' });
      assert.equal(await connections(clientId), 0);
    });
  }

  it('asks for a new review when the registration changed after it was shown', async () => {
    const { administrator, clientId } = await setUp();
    const grant = await reviewed(clientId);
    await db.database.owner.query(`update system set purpose = 'Sells data.' where client_id = $1`, [
      clientId,
    ]);
    assert.deepEqual(await use.grant(administrator, grant), { outcome: 'registration-changed' });
    assert.equal(await connections(clientId), 0);
  });

  for (const standing of ['draft', 'in-review', 'suspended']) {
    it(`grants nothing to a system that is ${standing} by the time it is confirmed`, async () => {
      const { administrator, clientId } = await setUp();
      const grant = await reviewed(clientId);
      await db.database.owner.query('update system set standing = $2 where client_id = $1', [
        clientId,
        standing,
      ]);
      assert.deepEqual(await use.grant(administrator, grant), { outcome: 'system-not-found' });
      assert.equal(await connections(clientId), 0);
      assert.equal(audited.at(-1)!.clientId, undefined);
    });
  }

  it('does nothing for someone whose role has ended, is lower, or is elsewhere', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    const another = await world.organisation();
    const coordinator = await world.staff(organisation.id, 'coordinator');
    const professional = await world.staff(organisation.id, 'professional');
    const elsewhere = { ...(await world.staff(another.id)), organisationId: organisation.id };
    const left = await world.staff(organisation.id);
    await db.database.owner.query('update staff_role set ended_at = now() where account_id = $1', [
      left.accountId,
    ]);
    const disabled = await world.staff(organisation.id);
    await db.database.owner.query('update account set disabled_at = now() where id = $1', [
      disabled.accountId,
    ]);
    const fresh = await reviewed(await world.system());
    for (const person of [coordinator, professional, elsewhere, left, disabled]) {
      for (const act of [use.revoke, use.suspend, use.resume]) {
        assert.deepEqual(await act(person, { connectionId, reason: null }), { outcome: 'role-needed' });
      }
      assert.deepEqual(await use.grant(person, fresh), { outcome: 'role-needed' });
    }
    assert.equal((await connectionOf(service(), organisation.id, connectionId))?.status, 'active');
    assert.equal((await historyOf(service(), organisation.id, clientId)).length, 1);
    assert.equal(administrator.organisationId, organisation.id);
  });

  it("tells another organisation's administrator that there is no such connection", async () => {
    const { organisation, connectionId } = await connected();
    const stranger = await world.staff((await world.organisation()).id);
    for (const act of [use.revoke, use.suspend, use.resume]) {
      assert.deepEqual(await act(stranger, { connectionId, reason: null }), { outcome: 'not-found' });
    }
    assert.equal(audited.at(-1)!.connectionId, undefined);
    assert.equal(await connectionOf(service(), stranger.organisationId, connectionId), null);
    assert.equal((await connectionOf(service(), organisation.id, connectionId))?.status, 'active');
  });

  it('ends access as the day after the last day begins in the United Kingdom', async () => {
    const { organisation, administrator, clientId } = await setUp();
    const granted = await use.grant(administrator, { ...(await reviewed(clientId)), lastDay: '2099-06-30' });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(service(), organisation.id, granted.connectionId);
    assert.equal(connection?.expiresAt?.toISOString(), '2099-06-30T23:00:00.000Z');
  });

  it('grants nothing that would be over before it began', async () => {
    const { administrator, clientId } = await setUp();
    const result = await use.grant(administrator, { ...(await reviewed(clientId)), lastDay: '2020-01-01' });
    assert.deepEqual(result, { outcome: 'last-day-past' });
    assert.equal(await connections(clientId), 0);
  });

  it('treats a connection whose end has come as expired at once, and marks it once', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    await endNow(connectionId);
    const shown = await connectionOf(service(), organisation.id, connectionId);
    assert.equal(shown?.status, 'expired');
    assert.deepEqual(shown?.endedAt, shown?.expiresAt);
    for (const act of [use.revoke, use.suspend, use.resume]) {
      const result = await act(administrator, { connectionId, reason: null });
      assert.ok(result.outcome === 'unchanged' && result.status === 'expired');
    }
    await Promise.all(Array.from({ length: 5 }, () => settleExpired(service())));
    const kinds = (await historyOf(service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['expired', 'granted']);
  });

  it('grants again in the place of a connection that ran out and was not marked yet', async () => {
    const { organisation, administrator, clientId, connectionId } = await connected();
    await endNow(connectionId);
    const again = await use.grant(administrator, await reviewed(clientId));
    assert.equal(again.outcome, 'granted');
    const kinds = (await historyOf(service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['granted', 'expired', 'granted']);
  });

  it('is not answered when its audit record cannot be made durable', async () => {
    const { administrator, clientId } = await setUp();
    const failing = useCases({
      database: db.database,
      audit: { record: () => Promise.reject(new Error('audit is gone')) } as unknown as Context['audit'],
    });
    await assert.rejects(failing.grant(administrator, await reviewed(clientId)), /audit is gone/);
  });

  async function connections(clientId: string): Promise<number> {
    const { rows } = await service().query('select count(*) from connection where client_id = $1', [
      clientId,
    ]);
    return rows[0].count;
  }
});

const useCases = (context: Pick<Context, 'database' | 'audit'>) => ({
  grant: createGrantAccess(context),
  revoke: createRevokeAccess(context),
  suspend: createSuspendAccess(context),
  resume: createResumeAccess(context),
});
