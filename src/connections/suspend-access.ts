import type { Context } from '../context.ts';
import { type Acting, asAdministrator } from './acting.ts';
import { recordChange } from './audit-change.ts';
import { changeStanding } from './change-standing.ts';

/** Stops an active connection until it is resumed. Calls are refused from the commit on, as after a revoke. */
export function createSuspendAccess({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  return async function suspendAccess(
    acting: Acting,
    { connectionId, reason }: { connectionId: string; reason: string | null },
  ) {
    const result = await asAdministrator(database.service, acting, (client) =>
      changeStanding(client, acting, {
        connectionId,
        from: ['active'],
        to: 'suspended',
        kind: 'suspended',
        reason,
      }),
    );
    await recordChange(audit, 'suspend', acting, connectionId, result);
    return result;
  };
}
