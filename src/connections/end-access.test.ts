import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionActs } from '../../test/support/connection-acts.ts';
import { settleExpired } from './change-standing.ts';
import { connectionOf, historyOf } from './store.ts';

describe('ending access', () => {
  const t = connectionActs();
  const endNow = (connectionId: string) =>
    t.db.database.owner.query('update connection set expires_at = clock_timestamp() where id = $1', [
      connectionId,
    ]);

  it('revokes once of ten sent at once, and tells the other nine by whom and when', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    const results = await Promise.all(
      Array.from({ length: 10 }, () => t.use.revoke(administrator, { connectionId, reason: null })),
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
    const history = await historyOf(t.service(), organisation.id, clientId);
    assert.deepEqual(
      history.map(({ kind }) => kind),
      ['revoked', 'granted'],
    );
  });

  it('gives a revoke the time after its commit, the same that the page shows later', async () => {
    const { organisation, administrator, connectionId } = await t.connected();
    const revoked = await t.use.revoke(administrator, { connectionId, reason: 'Contract ended' });
    assert.equal(revoked.outcome, 'changed');
    const connection = (await connectionOf(t.service(), organisation.id, connectionId))!;
    assert.ok('at' in revoked);
    assert.deepEqual(connection.endedAt, revoked.at);
    assert.equal(connection.endedBy, administrator.name);
    assert.equal(connection.endReason, 'Contract ended');
    const [event] = await historyOf(t.service(), organisation.id, connection.clientId);
    assert.ok(event!.at <= revoked.at, 'the act is noted before it is certain');
  });

  it('ends in a whole state when grants and revokes race', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    const grant = await t.reviewed(clientId);
    const results = await Promise.all([
      ...Array.from({ length: 5 }, () => t.use.revoke(administrator, { connectionId, reason: null })),
      ...Array.from({ length: 5 }, () => t.use.grant(administrator, grant)),
    ]);
    const granted = results.filter(({ outcome }) => outcome === 'granted').length;
    assert.ok(granted <= 1);
    assert.equal(results.filter(({ outcome }) => outcome === 'changed').length, 1);
    const history = await historyOf(t.service(), organisation.id, clientId);
    assert.equal(history.filter(({ kind }) => kind === 'granted').length, 1 + granted);
    const { rows } = await t
      .service()
      .query(`select count(*) from connection where client_id = $1 and status in ('active', 'suspended')`, [
        clientId,
      ]);
    assert.equal(rows[0].count, granted);
  });

  it('suspends and resumes, each once, with the same permissions as before', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    const before = await connectionOf(t.service(), organisation.id, connectionId);
    assert.equal(
      (await t.use.suspend(administrator, { connectionId, reason: 'Checking' })).outcome,
      'changed',
    );
    const twice = await t.use.suspend(administrator, { connectionId, reason: null });
    assert.ok(twice.outcome === 'unchanged' && twice.last?.kind === 'suspended');
    assert.equal((await t.use.grant(administrator, await t.reviewed(clientId))).outcome, 'already-connected');
    assert.equal((await t.use.resume(administrator, { connectionId, reason: null })).outcome, 'changed');
    assert.equal((await t.use.resume(administrator, { connectionId, reason: null })).outcome, 'unchanged');
    assert.deepEqual(await connectionOf(t.service(), organisation.id, connectionId), before);
    const kinds = (await historyOf(t.service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['resumed', 'suspended', 'granted']);
  });

  it('brings no revoked connection back by resuming it', async () => {
    const { administrator, connectionId } = await t.connected();
    await t.use.revoke(administrator, { connectionId, reason: null });
    const resumed = await t.use.resume(administrator, { connectionId, reason: null });
    assert.ok(resumed.outcome === 'unchanged' && resumed.status === 'revoked');
  });

  it('does nothing for someone whose role has ended, is lower, or is elsewhere', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    const another = await t.world.organisation();
    const coordinator = await t.world.staff(organisation.id, 'coordinator');
    const professional = await t.world.staff(organisation.id, 'professional');
    const elsewhere = { ...(await t.world.staff(another.id)), organisationId: organisation.id };
    const left = await t.world.staff(organisation.id);
    await t.db.database.owner.query('update staff_role set ended_at = now() where account_id = $1', [
      left.accountId,
    ]);
    const disabled = await t.world.staff(organisation.id);
    await t.db.database.owner.query('update account set disabled_at = now() where id = $1', [
      disabled.accountId,
    ]);
    const fresh = await t.reviewed(await t.world.system());
    for (const person of [coordinator, professional, elsewhere, left, disabled]) {
      for (const act of [t.use.revoke, t.use.suspend, t.use.resume]) {
        assert.deepEqual(await act(person, { connectionId, reason: null }), { outcome: 'role-needed' });
      }
      assert.deepEqual(await t.use.grant(person, fresh), { outcome: 'role-needed' });
    }
    assert.equal((await connectionOf(t.service(), organisation.id, connectionId))?.status, 'active');
    assert.equal((await historyOf(t.service(), organisation.id, clientId)).length, 1);
    assert.equal(administrator.organisationId, organisation.id);
  });

  it("tells another organisation's administrator that there is no such connection", async () => {
    const { organisation, connectionId } = await t.connected();
    const stranger = await t.world.staff((await t.world.organisation()).id);
    for (const act of [t.use.revoke, t.use.suspend, t.use.resume]) {
      assert.deepEqual(await act(stranger, { connectionId, reason: null }), { outcome: 'not-found' });
    }
    assert.equal(t.audited.at(-1)!.connectionId, undefined);
    assert.equal(await connectionOf(t.service(), stranger.organisationId, connectionId), null);
    assert.equal((await connectionOf(t.service(), organisation.id, connectionId))?.status, 'active');
  });

  it('treats a connection whose end has come as expired at once, and marks it once', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    await endNow(connectionId);
    const shown = await connectionOf(t.service(), organisation.id, connectionId);
    assert.equal(shown?.status, 'expired');
    assert.deepEqual(shown?.endedAt, shown?.expiresAt);
    for (const act of [t.use.revoke, t.use.suspend, t.use.resume]) {
      const result = await act(administrator, { connectionId, reason: null });
      assert.ok(result.outcome === 'unchanged' && result.status === 'expired');
    }
    await Promise.all(Array.from({ length: 5 }, () => settleExpired(t.service())));
    const kinds = (await historyOf(t.service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['expired', 'granted']);
  });

  it('grants again in the place of a connection that ran out and was not marked yet', async () => {
    const { organisation, administrator, clientId, connectionId } = await t.connected();
    await endNow(connectionId);
    const again = await t.use.grant(administrator, await t.reviewed(clientId));
    assert.equal(again.outcome, 'granted');
    const kinds = (await historyOf(t.service(), organisation.id, clientId)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['granted', 'expired', 'granted']);
  });
});
