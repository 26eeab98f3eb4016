import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actsOf, connectionActs } from '../../test/support/connection-acts.ts';
import type { Context } from '../context.ts';
import { connectionOf, historyOf } from './store.ts';

describe('granting access', () => {
  const t = connectionActs();

  it('grants what was reviewed, in full, and notes who and when', async () => {
    const { administrator, organisation, clientId } = await t.setUp();
    const granted = await t.use.grant(administrator, { ...(await t.reviewed(clientId)), reason: 'Trial' });
    assert.equal(granted.outcome, 'granted');
    assert.ok('connectionId' in granted);
    const connection = (await connectionOf(t.service(), organisation.id, granted.connectionId))!;
    assert.equal(connection.status, 'active');
    assert.deepEqual(connection.scopes, ['system/Observation.cruds', 'system/Patient.rs']);
    assert.equal(connection.grantedBy, administrator.name);
    assert.equal(connection.reason, 'Trial');
    assert.equal(connection.labels, 15);
    assert.deepEqual(await historyOf(t.service(), organisation.id, clientId), [
      {
        connectionId: connection.id,
        at: connection.grantedAt,
        kind: 'granted',
        by: administrator.name,
        detail: 'Trial',
      },
    ]);
    const entry = t.audited.find((each) => each.connectionId === connection.id)!;
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
    const { organisation, administrator, clientId } = await t.setUp();
    const second = await t.world.staff(organisation.id);
    const grant = await t.reviewed(clientId);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) => t.use.grant(n % 2 ? administrator : second, grant)),
    );
    const granted = results.filter(({ outcome }) => outcome === 'granted');
    assert.equal(granted.length, 1);
    for (const result of results) {
      if (result.outcome === 'granted') continue;
      assert.equal(result.outcome, 'already-connected');
      assert.ok('connection' in result && result.connection.grantedBy && result.connection.grantedAt);
    }
    const { rows } = await t
      .service()
      .query(
        'select kind from connection_event e join connection c on c.id = e.connection_id where c.client_id = $1',
        [clientId],
      );
    assert.equal(rows.length, 1);
  });

  it('grants again after a revoke as a new, newer connection, even when the clock was set back', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    await t.use.revoke(administrator, { connectionId, reason: null });
    await t.db.database.owner.query(
      `update connection set granted_at = now() + interval '1 hour' where id = $1`,
      [connectionId],
    );
    const again = await t.use.grant(administrator, await t.reviewed(clientId));
    assert.ok(again.outcome === 'granted' && again.connectionId !== connectionId);
    const { rows } = await t
      .service()
      .query(
        'select id from connection where organisation_id = $1 and client_id = $2 order by granted_at desc limit 1',
        [organisation.id, clientId],
      );
    assert.equal(rows[0].id, again.connectionId);
  });

  it('grants only what was left ticked, and never more than the registration', async () => {
    const { organisation, administrator, clientId } = await t.setUp([
      'system/Observation.cruds',
      'system/Patient.rs',
    ]);
    const granted = await t.use.grant(administrator, {
      ...(await t.reviewed(clientId)),
      scopes: ['system/Observation.rs', 'system/Condition.cruds', 'nonsense'],
      labels: 0b0101,
    });
    assert.ok(granted.outcome === 'granted');
    const connection = (await connectionOf(t.service(), organisation.id, granted.connectionId))!;
    assert.deepEqual(connection.scopes, ['system/Observation.rs']);
    assert.equal(connection.labels, 0b0101);
    const { rows } = await t
      .service()
      .query('select permissions from connection where id = $1', [connection.id]);
    assert.deepEqual(rows[0].permissions, ['Observation.r', 'Observation.s']);
    assert.equal(t.audited.at(-1)!.detail, 'system/Observation.rs; labels GENERAL_HEALTH SEXUAL_HEALTH');
  });

  it('limits a connection to teams of the organisation, and grants nothing for teams of another', async () => {
    const { organisation, administrator, clientId } = await t.setUp();
    const ours = await t.world.team(organisation.id, 'Physiotherapy');
    const theirs = await t.world.team((await t.world.organisation()).id, 'Theirs');
    const grant = await t.reviewed(clientId);
    assert.deepEqual(await t.use.grant(administrator, { ...grant, teams: [theirs] }), {
      outcome: 'nothing-granted',
    });
    const granted = await t.use.grant(administrator, { ...grant, teams: [theirs, ours] });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(t.service(), organisation.id, granted.connectionId);
    assert.deepEqual(connection?.teams, [ours]);
    assert.deepEqual(connection?.teamNames, ['Physiotherapy']);
  });

  it('cuts a wildcard that was never registered down to the registration', async () => {
    const { organisation, administrator, clientId } = await t.setUp(['system/Patient.rs']);
    const granted = await t.use.grant(administrator, {
      ...(await t.reviewed(clientId)),
      scopes: ['system/*.cruds'],
    });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(t.service(), organisation.id, granted.connectionId);
    assert.deepEqual(connection?.scopes, ['system/Patient.rs']);
  });

  for (const nothing of [{ scopes: [] }, { scopes: ['system/Condition.r'] }, { labels: 0 }, { labels: 16 }]) {
    it(`grants nothing when nothing is asked: ${JSON.stringify(nothing)}`, async () => {
      const { administrator, clientId } = await t.setUp();
      const result = await t.use.grant(administrator, { ...(await t.reviewed(clientId)), ...nothing });
      assert.deepEqual(result, { outcome: 'nothing-granted' });
      assert.equal(await t.count(clientId), 0);
    });
  }

  it('asks for a new review when the registration changed after it was shown', async () => {
    const { administrator, clientId } = await t.setUp();
    const grant = await t.reviewed(clientId);
    await t.db.database.owner.query(`update system set purpose = 'Sells data.' where client_id = $1`, [
      clientId,
    ]);
    assert.deepEqual(await t.use.grant(administrator, grant), { outcome: 'registration-changed' });
    assert.equal(await t.count(clientId), 0);
  });

  for (const standing of ['draft', 'in-review', 'suspended']) {
    it(`grants nothing to a system that is ${standing} by the time it is confirmed`, async () => {
      const { administrator, clientId } = await t.setUp();
      const grant = await t.reviewed(clientId);
      await t.db.database.owner.query('update system set standing = $2 where client_id = $1', [
        clientId,
        standing,
      ]);
      assert.deepEqual(await t.use.grant(administrator, grant), { outcome: 'system-not-found' });
      assert.equal(await t.count(clientId), 0);
      assert.equal(t.audited.at(-1)!.clientId, undefined);
    });
  }

  it('ends access as the day after the last day begins in the United Kingdom', async () => {
    const { organisation, administrator, clientId } = await t.setUp();
    const granted = await t.use.grant(administrator, {
      ...(await t.reviewed(clientId)),
      lastDay: '2099-06-30',
    });
    assert.ok(granted.outcome === 'granted');
    const connection = await connectionOf(t.service(), organisation.id, granted.connectionId);
    assert.equal(connection?.expiresAt?.toISOString(), '2099-06-30T23:00:00.000Z');
  });

  it('grants nothing that would be over before it began', async () => {
    const { administrator, clientId } = await t.setUp();
    const result = await t.use.grant(administrator, {
      ...(await t.reviewed(clientId)),
      lastDay: '2020-01-01',
    });
    assert.deepEqual(result, { outcome: 'last-day-past' });
    assert.equal(await t.count(clientId), 0);
  });

  it('is not answered when its audit record cannot be made durable', async () => {
    const { administrator, clientId } = await t.setUp();
    const failing = actsOf({
      database: t.db.database,
      audit: { record: () => Promise.reject(new Error('audit is gone')) } as unknown as Context['audit'],
    });
    await assert.rejects(failing.grant(administrator, await t.reviewed(clientId)), /audit is gone/);
  });
});
