import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { newRootId } from '../ids.ts';
import { type Decision, type DecisionInput, decide } from './decide.ts';
import { decisionCases } from './decision-cases.ts';

describe('the decision', () => {
  let db: TestDatabase;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db.stop());

  for (const { promise, input, decision } of decisionCases(new Date())) {
    it(`is ${decision.outcome} when ${promise}`, async () => {
      assert.deepEqual(decide(input), decision, 'as a function of plain values');
      assert.deepEqual(await decideInSql(db, input), decision, 'in SQL');
    });
  }

  it('counts the very instant of an end as past', () => {
    for (const { input, decision } of decisionCases(new Date())) {
      if (decision.outcome !== 'allowed') continue;
      const tokenEnds = { ...input, token: { ...input.token!, expiresAt: input.now } };
      assert.deepEqual(decide(tokenEnds), { outcome: 'token-invalid' });
      const connectionEnds = { ...input, connection: { ...input.connection!, expiresAt: input.now } };
      assert.deepEqual(decide(connectionEnds), { outcome: 'connection-expired' });
    }
  });

  it('is the same in SQL as in the pure function, in any world', async () => {
    await fc.assert(
      fc.asyncProperty(worlds(), async (world) => {
        assert.deepEqual(await decideInSql(db, world), decide(world));
      }),
      { numRuns: 300 },
    );
  });

  it('finds an organisation by its ODS code in any case', async () => {
    const input = decisionCases(new Date())[0]!.input;
    const rows = await inWorld(db, input, (client, ids) =>
      client.query('select outcome, organisation_id from decide($1, $2, $3)', [
        ids.tokenHash,
        ids.odsCode.toLowerCase(),
        input.permissions,
      ]),
    );
    assert.deepEqual(rows.rows[0], { outcome: 'allowed', organisation_id: input.organisationId });
  });

  it('reads the newest connection: one granted again after a revoke counts, a revoked one after it does not', async () => {
    const input = decisionCases(new Date())[0]!.input;
    const outcomes = await inWorld(db, input, async (client, ids) => {
      const seen: string[] = [];
      const look = async () => {
        const { rows } = await client.query('select outcome from decide($1, $2, $3)', [
          ids.tokenHash,
          input.organisationId,
          input.permissions,
        ]);
        seen.push(rows[0].outcome);
      };
      await client.query(`update connection set status = 'revoked', ended_at = now()`);
      await look();
      await client.query(
        `insert into connection (id, organisation_id, client_id, status, scopes, permissions, granted_at)
         select $1, organisation_id, client_id, 'active', scopes, permissions, granted_at + interval '1 microsecond'
           from connection`,
        [newRootId()],
      );
      await look();
      await client.query(
        `update connection set status = 'revoked', ended_at = now() where status = 'active'`,
      );
      await look();
      return seen;
    });
    assert.deepEqual(outcomes, ['connection-revoked', 'allowed', 'connection-revoked']);
  });
});

const permission = fc.constantFrom<string>('Observation.r', 'Observation.s', '*.r', '*.s', 'Patient.r');
const permissions: fc.Arbitrary<string[]> = fc.uniqueArray(permission);
const ids = ['6f9619ff-8b86-8d01-b42d-00cf4fc964ff', '0e2f4d1c-58cc-8372-a567-0e02b2c3d479'];

function worlds(): fc.Arbitrary<DecisionInput> {
  const now = new Date();
  // Far enough from now that it does not matter when the database reads its clock.
  const at = fc
    .constantFrom(-3600, -30, 300, 86_400)
    .map((seconds) => new Date(now.getTime() + seconds * 1000));
  const often = { freq: 8 };
  return fc
    .record({
      token: fc.option(
        fc.record({
          expiresAt: fc.oneof({ weight: 6, arbitrary: fc.constant(new Date(now.getTime() + 300_000)) }, at),
          permissions,
          organisationId: fc.option(fc.constantFrom(...ids), { freq: 2 }),
        }),
        often,
      ),
      system: fc.record({
        standing: fc.oneof(
          { weight: 6, arbitrary: fc.constant('live' as const) },
          fc.constantFrom('draft' as const, 'in-review' as const, 'suspended' as const),
        ),
        permissions,
      }),
      organisationId: fc.option(fc.constantFrom(...ids), often),
      connection: fc.option(
        fc.record({
          status: fc.oneof(
            { weight: 6, arbitrary: fc.constant('active' as const) },
            fc.constantFrom('suspended' as const, 'revoked' as const, 'expired' as const),
          ),
          expiresAt: fc.option(at, { freq: 2 }),
          permissions,
          labels: fc.integer({ min: 0, max: 15 }),
        }),
        often,
      ),
      permissions: fc.constantFrom<string[]>(
        ['Observation.r', '*.r'],
        ['Observation.s', '*.s'],
        ['Patient.r', '*.r'],
        [],
      ),
    })
    .map((world) => ({
      ...world,
      connection: world.organisationId === null ? null : world.connection,
      now,
    }));
}

async function decideInSql(db: TestDatabase, input: DecisionInput): Promise<Decision> {
  return inWorld(db, input, async (client, world) => {
    const { rows } = await client.query('select outcome, labels, teams from decide($1, $2, $3)', [
      world.tokenHash,
      input.organisationId ?? 'NOSUCH1',
      input.permissions,
    ]);
    const { outcome, labels } = rows[0];
    const lock = await client.query(
      `select current_setting('app.organisation', true) as organisation, current_setting('app.labels', true) as labels`,
    );
    const opened = outcome === 'allowed' ? input.organisationId : '';
    assert.equal(lock.rows[0].organisation || '', opened, 'the second lock opens only for what is allowed');
    if (outcome === 'allowed') assert.equal(lock.rows[0].labels, String(labels));
    return outcome === 'allowed' ? { outcome, labels } : { outcome };
  });
}

/** Builds the world in a transaction of its own, asks, and takes everything back. */
async function inWorld<T>(
  db: TestDatabase,
  input: DecisionInput,
  ask: (client: PoolClient, world: { tokenHash: Buffer; odsCode: string }) => Promise<T>,
): Promise<T> {
  const client = await db.database.service.connect();
  const tokenHash = Buffer.alloc(32, 7);
  try {
    await client.query('begin');
    await client.query(
      `insert into organisation (id, ods_code, name) values ($1, 'TEST1', 'One'), ($2, 'TEST2', 'Two')`,
      ids,
    );
    await client.query(`insert into company (id, name) values ($1, 'Company')`, [newRootId()]);
    await client.query(
      `insert into system (client_id, company_id, name, purpose, contact_name, contact_email, privacy_notice_url,
                           standing, scopes, permissions, auth_method)
       select 'client', id, 'System', 'p', 'c', 'c@example.org', 'https://example.org', $1, '{}', $2,
              'client_secret_basic' from company`,
      [input.system.standing, input.system.permissions],
    );
    if (input.token) {
      await client.query(
        `insert into access_token (token_hash, client_id, scopes, permissions, organisation_id, issued_at, expires_at)
         values ($1, 'client', '{}', $2, $3, now(), $4)`,
        [tokenHash, input.token.permissions, input.token.organisationId, input.token.expiresAt],
      );
    }
    if (input.connection && input.organisationId) {
      const { status, expiresAt, permissions, labels } = input.connection;
      await client.query(
        `insert into connection (id, organisation_id, client_id, status, scopes, permissions, labels, granted_at,
                                 expires_at, ended_at)
         values ($1, $2, 'client', $3, '{}', $4, $5, now(), $6, case when $3 in ('revoked', 'expired') then now() end)`,
        [newRootId(), input.organisationId, status, permissions, labels, expiresAt],
      );
    }
    return await ask(client, { tokenHash, odsCode: input.organisationId === ids[1] ? 'TEST2' : 'TEST1' });
  } finally {
    await client.query('rollback');
    client.release();
  }
}
