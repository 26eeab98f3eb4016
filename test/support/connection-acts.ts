import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { AuditEntry } from '../../src/audit/audit.ts';
import { createGrantAccess, type Grant } from '../../src/connections/grant-access.ts';
import { createNarrowAccess } from '../../src/connections/narrow-access.ts';
import { createResumeAccess } from '../../src/connections/resume-access.ts';
import { reviewDigest } from '../../src/connections/reviewed-system.ts';
import { createRevokeAccess } from '../../src/connections/revoke-access.ts';
import { liveSystem } from '../../src/connections/store.ts';
import { createSuspendAccess } from '../../src/connections/suspend-access.ts';
import type { Context } from '../../src/context.ts';
import { connectedWorld } from './connected-world.ts';
import { type TestDatabase, testDatabase } from './database.ts';

/**
 * For a `describe` of the acts on connections: a database of its own, the acts without pages, and worlds to begin
 * with. Read the parts inside tests; they are not there before.
 */
export function connectionActs() {
  const t = {
    audited: [] as AuditEntry[],
    service: () => t.db.database.service,
    reviewed,
    setUp,
    connected,
    count,
  } as {
    db: TestDatabase;
    world: ReturnType<typeof connectedWorld>;
    use: ReturnType<typeof actsOf>;
    audited: AuditEntry[];
    service: () => TestDatabase['database']['service'];
    reviewed: typeof reviewed;
    setUp: typeof setUp;
    connected: typeof connected;
    count: typeof count;
  };
  before(async () => {
    t.db = await testDatabase({ poolSize: 12 });
    t.world = connectedWorld(t.db.database.owner);
    const record = async (entry: AuditEntry) => void t.audited.push(entry);
    t.use = actsOf({ database: t.db.database, audit: { record } as unknown as Context['audit'] });
  });
  after(() => t.db.stop());
  return t;

  /** A grant of all that the system asks for, as the plain button sends it. */
  async function reviewed(clientId: string): Promise<Grant> {
    const system = (await liveSystem(t.service(), clientId))!;
    const reviewed = reviewDigest(system);
    return {
      clientId,
      reviewed,
      scopes: system.scopes,
      labels: 15,
      teams: null,
      lastDay: null,
      reason: null,
    };
  }
  async function setUp(scopes?: string[]) {
    const organisation = await t.world.organisation();
    const administrator = await t.world.staff(organisation.id);
    const clientId = await t.world.system(scopes && { scopes });
    return { organisation, administrator, clientId };
  }
  async function connected() {
    const set = await setUp();
    const granted = await t.use.grant(set.administrator, await reviewed(set.clientId));
    assert.ok(granted.outcome === 'granted');
    return { ...set, connectionId: granted.connectionId };
  }
  /** How many connections the system ever had. */
  async function count(clientId: string): Promise<number> {
    const { rows } = await t
      .service()
      .query('select count(*) from connection where client_id = $1', [clientId]);
    return rows[0].count;
  }
}

export const actsOf = (context: Pick<Context, 'database' | 'audit'>) => ({
  grant: createGrantAccess(context),
  revoke: createRevokeAccess(context),
  suspend: createSuspendAccess(context),
  resume: createResumeAccess(context),
  narrow: createNarrowAccess(context),
});
