import type { Context } from '../context.ts';
import { type Acting, asAdministrator } from './acting.ts';
import { recordChange } from './audit-change.ts';
import { changeStanding } from './change-standing.ts';

/** Lets a suspended connection work again, with exactly what it was granted before. */
export function createResumeAccess({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  return async function resumeAccess(
    acting: Acting,
    { connectionId, reason }: { connectionId: string; reason: string | null },
  ) {
    const result = await asAdministrator(database.service, acting, (client) =>
      changeStanding(client, acting, {
        connectionId,
        from: ['suspended'],
        to: 'active',
        kind: 'resumed',
        reason,
      }),
    );
    await recordChange(audit, 'resume', acting, connectionId, result);
    return result;
  };
}
