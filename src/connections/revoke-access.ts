import type { Context } from '../context.ts';
import { type Acting, asAdministrator, type RoleNeeded } from './acting.ts';
import { recordChange } from './audit-change.ts';
import { type Changed, changeStanding, type NotFound, type Unchanged } from './change-standing.ts';

export type Revoked = Changed | Unchanged | NotFound | RoleNeeded;

/**
 * Ends a connection for good. When this resolves with 'changed' it is committed, and no statement that starts
 * afterwards, on any process, is let through by it. `at` is the database's time after that commit: every call
 * that began later was refused.
 */
export function createRevokeAccess({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  return async function revokeAccess(
    acting: Acting,
    { connectionId, reason }: { connectionId: string; reason: string | null },
  ): Promise<Revoked> {
    const result = await asAdministrator(database.service, acting, (client) =>
      changeStanding(client, acting, {
        connectionId,
        from: ['active', 'suspended'],
        to: 'revoked',
        kind: 'revoked',
        reason,
      }),
    );
    if (result.outcome === 'changed') {
      // Until the commit a call could still be let through, so the time people are told is read after it.
      const { rows } = await database.service.query({
        name: 'connection-revoke-confirm',
        text: `update connection set ended_at = clock_timestamp() where id = $1 and status = 'revoked'
               returning ended_at as at`,
        values: [connectionId],
      });
      result.at = rows[0].at;
    }
    await recordChange(audit, 'revoke', acting, connectionId, result);
    return result;
  };
}
