import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionActs } from '../../test/support/connection-acts.ts';
import { narrowingDigest } from './narrow-access.ts';
import { connectionOf, historyOf } from './store.ts';

describe('reducing access', () => {
  const t = connectionActs();

  async function standing() {
    const set = await t.connected();
    const { organisation, connectionId } = set;
    const now = async () => (await connectionOf(t.service(), organisation.id, connectionId))!;
    const before = await now();
    const wanted = {
      ...{ connectionId, reviewed: narrowingDigest(before), scopes: before.scopes, labels: before.labels },
      ...{ teams: null as string[] | null, lastDay: null as string | null, reason: null as string | null },
    };
    return { ...set, before, now, wanted };
  }

  it('takes what was unticked, notes who did it and why, and leaves the rest as it was', async () => {
    const { administrator, organisation, before, now, wanted } = await standing();
    const narrowed = await t.use.narrow(administrator, {
      ...wanted,
      scopes: ['system/Patient.rs'],
      labels: 0b0001,
      reason: 'Sends no readings',
    });
    assert.equal(narrowed.outcome, 'narrowed');
    const after = await now();
    assert.deepEqual(after.scopes, ['system/Patient.rs']);
    assert.equal(after.labels, 0b0001);
    assert.deepEqual([after.status, after.grantedAt, after.teams], ['active', before.grantedAt, null]);
    const { rows } = await t.service().query('select permissions from connection where id = $1', [after.id]);
    assert.deepEqual(rows[0].permissions, ['Patient.r', 'Patient.s']);
    const [event] = await historyOf(t.service(), organisation.id, after.clientId);
    assert.deepEqual(
      [event!.kind, event!.by, event!.detail],
      ['narrowed', administrator.name, 'Sends no readings'],
    );
    const { interaction, outcome, connectionId, detail } = t.audited.at(-1)!;
    assert.deepEqual(
      [interaction, outcome, connectionId, detail],
      ['narrow', 'allowed', after.id, 'system/Patient.rs; labels GENERAL_HEALTH'],
    );
  });

  it('never gives what the connection did not give', async () => {
    const { administrator, now, wanted } = await standing();
    await t.use.narrow(administrator, { ...wanted, scopes: ['system/Patient.rs'], labels: 0b0011 });
    const reviewed = narrowingDigest(await now());
    const again = await t.use.narrow(administrator, {
      ...wanted,
      reviewed,
      scopes: ['system/Patient.r', 'system/*.cruds', 'system/Observation.cruds'],
      labels: 0b1101,
    });
    assert.equal(again.outcome, 'narrowed');
    const after = await now();
    assert.ok(
      after.scopes.every((scope) => scope.startsWith('system/Patient.')),
      after.scopes.join(),
    );
    assert.equal(after.labels, 0b0001);
  });

  it('is done to what was shown: of two at once the second is told, and loses nothing of the first', async () => {
    const { administrator, now, wanted } = await standing();
    const results = await Promise.all([
      t.use.narrow(administrator, { ...wanted, scopes: ['system/Patient.rs'] }),
      t.use.narrow(administrator, { ...wanted, labels: 0b0001 }),
    ]);
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['connection-changed', 'narrowed']);
    const { scopes, labels } = await now();
    assert.ok((scopes.length === 1) !== (labels === 0b0001));
  });

  it('leaves something, or is for a revoke; and takes something, or is nothing', async () => {
    const { administrator, before, now, wanted } = await standing();
    for (const [change, outcome] of [
      [{}, 'nothing-taken'],
      [{ scopes: ['system/Device.rs'] }, 'nothing-left'],
      [{ labels: 0 }, 'nothing-left'],
      [{ teams: [] }, 'nothing-left'],
      [{ lastDay: '2020-01-01' }, 'last-day-past'],
    ] as const) {
      const result = await t.use.narrow(administrator, { ...wanted, ...(change as object) });
      assert.equal(result.outcome, outcome, JSON.stringify(change));
    }
    assert.deepEqual(await now(), before);
  });

  it('limits to teams of the organisation alone, and then to fewer of these', async () => {
    const { administrator, organisation, now, wanted } = await standing();
    const [heart, lung] = [
      await t.world.team(organisation.id, 'Heart'),
      await t.world.team(organisation.id, 'Lung'),
    ];
    const foreign = await t.world.team((await t.world.organisation()).id, 'Theirs');
    await t.use.narrow(administrator, { ...wanted, teams: [heart, lung, foreign] });
    assert.deepEqual((await now()).teams?.sort(), [heart, lung].sort());
    const next = async () => ({ ...wanted, reviewed: narrowingDigest(await now()) });
    assert.equal(
      (await t.use.narrow(administrator, { ...(await next()), teams: null })).outcome,
      'nothing-left',
    );
    await t.use.narrow(administrator, { ...(await next()), teams: [lung, foreign] });
    assert.deepEqual((await now()).teams, [lung]);
  });

  it('brings a last day forward and never back', async () => {
    const { administrator, now, wanted } = await standing();
    const year = new Date().getUTCFullYear() + 2;
    const narrow = async (lastDay: string) =>
      (await t.use.narrow(administrator, { ...wanted, reviewed: narrowingDigest(await now()), lastDay }))
        .outcome;
    assert.equal(await narrow(`${year}-07-01`), 'narrowed');
    assert.equal((await now()).expiresAt?.toISOString(), `${year}-07-01T23:00:00.000Z`);
    assert.equal(await narrow(`${year}-07-01`), 'nothing-taken');
    assert.equal(await narrow(`${year}-07-02`), 'last-day-later');
    assert.equal(await narrow(`${year}-06-30`), 'narrowed');
  });

  it('works on a suspended connection, and not on one that has ended', async () => {
    const { administrator, connectionId, now, wanted } = await standing();
    await t.use.suspend(administrator, { connectionId, reason: null });
    const less = { ...wanted, scopes: ['system/Patient.rs'] };
    assert.equal((await t.use.narrow(administrator, less)).outcome, 'narrowed');
    assert.equal((await now()).status, 'suspended');
    await t.use.revoke(administrator, { connectionId, reason: null });
    const late = await t.use.narrow(administrator, { ...less, reviewed: narrowingDigest(await now()) });
    assert.ok(late.outcome === 'ended' && late.last?.kind === 'revoked');
  });

  it('is for an administrator of that organisation alone', async () => {
    const { organisation, before, now, wanted } = await standing();
    const less = { ...wanted, scopes: ['system/Patient.rs'] };
    const coordinator = await t.world.staff(organisation.id, 'coordinator');
    assert.equal((await t.use.narrow(coordinator, less)).outcome, 'role-needed');
    const stranger = await t.world.staff((await t.world.organisation()).id);
    assert.equal((await t.use.narrow(stranger, less)).outcome, 'not-found');
    assert.equal(t.audited.at(-1)!.connectionId, undefined, 'another’s connection stays out of this log');
    assert.deepEqual(await now(), before);
  });

  it('holds the very next decision, for tokens given before', async () => {
    const { administrator, organisation, clientId, wanted } = await standing();
    const owner = t.db.database.owner;
    await owner.query(
      `insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
       values (sha256(convert_to($1::text, 'UTF8')), $1::text, '{}', '{Patient.r,Observation.r}', now(), now() + interval '5 minutes')`,
      [clientId],
    );
    const decide = async (permission: string) =>
      (
        await t
          .service()
          .query(`select outcome, labels from decide(sha256(convert_to($1, 'UTF8')), $2, array[$3])`, [
            clientId,
            organisation.id,
            permission,
          ])
      ).rows[0];
    assert.equal((await decide('Observation.r')).outcome, 'allowed');
    await t.use.narrow(administrator, { ...wanted, scopes: ['system/Patient.rs'], labels: 0b0001 });
    assert.equal((await decide('Observation.r')).outcome, 'scope-insufficient');
    assert.deepEqual(await decide('Patient.r'), { outcome: 'allowed', labels: 1 });
  });
});
