import { callsSummary, latestCalls } from '../audit/usage.ts';
import type { Context } from '../context.ts';
import { connectionOf, historyOf } from './store.ts';

export const CALLS_SHOWN = 50;

/**
 * Everything about one connection of this organisation, or null when it has none with this id.
 * @param before the cursor of the last call of the page before; `older` is that of this page, if there are more
 */
export function createViewConnection({ database }: Pick<Context, 'database'>) {
  return async function viewConnection(organisationId: string, connectionId: string, before?: string) {
    const connection = await connectionOf(database.service, organisationId, connectionId);
    if (!connection) return null;
    const [history, summary, calls] = await Promise.all([
      historyOf(database.service, organisationId, connection.clientId),
      callsSummary(database.service, connectionId),
      latestCalls(database.service, connectionId, CALLS_SHOWN + 1, before),
    ]);
    const shown = calls.slice(0, CALLS_SHOWN);
    const older = calls.length > CALLS_SHOWN ? shown.at(-1)!.cursor : null;
    return { connection, history, summary, calls: shown, older };
  };
}
