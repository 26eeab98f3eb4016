import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Room } from './room.ts';
import { currentRole, nextStep } from './sessions.ts';
import type { OpenedBy } from './store.ts';

type Launched = { accountId: string; organisationId: string; openedBy: OpenedBy };

/**
 * Opens a session for a person whose paired device stands for them, with a professional's powers at most. Somebody
 * else's session in this browser ends; the person's own for the organisation goes on, so that a form open in another
 * tab is not lost. Returns the session's id as stored, hexadecimal; null when the person holds no role there now.
 */
export function createOpenLaunched({ sessions, store }: Pick<Room, 'sessions' | 'store'>) {
  return async function openLaunchedSession(
    request: FastifyRequest,
    reply: FastifyReply,
    { accountId, organisationId, openedBy }: Launched,
  ): Promise<string | null> {
    const open = request.staffSession;
    const own = open?.account.id === accountId && open.organisationId === organisationId;
    if (open && own && nextStep(open) === 'done') return open.idHash.toString('hex');
    const account = await store.accountById(accountId);
    if (!account?.roles.some((role) => role.organisationId === organisationId)) return null;
    const session = await sessions.openFor(request, reply, account, { organisationId, openedBy });
    return session && currentRole(session) ? session.idHash.toString('hex') : null;
  };
}
