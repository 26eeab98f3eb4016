import type { Audit } from '../audit/audit.ts';
import type { Acting, RoleNeeded } from './acting.ts';
import type { Changed, NotFound, Unchanged } from './change-standing.ts';

/** The audit record of a suspend, resume or revoke, durable when this resolves. */
export async function recordChange(
  audit: Audit,
  interaction: 'suspend' | 'resume' | 'revoke',
  acting: Acting,
  connectionId: string,
  result: Changed | Unchanged | NotFound | RoleNeeded,
): Promise<void> {
  const found = result.outcome === 'changed' || result.outcome === 'unchanged' ? result : undefined;
  await audit.record({
    kind: 'page',
    interaction,
    outcome: result.outcome === 'changed' ? 'allowed' : result.outcome,
    status: STATUS[result.outcome],
    ...acting,
    clientId: found?.clientId,
    // An id that is not this organisation's is not tied to its owner's history.
    connectionId: found ? connectionId : undefined,
  });
}

const STATUS = { changed: 303, unchanged: 409, 'not-found': 404, 'role-needed': 403 };
