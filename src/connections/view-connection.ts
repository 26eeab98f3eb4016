import { callsSummary, latestCalls } from '../audit/usage.ts';
import type { Context } from '../context.ts';
import { connectionOf, historyOf } from './store.ts';

export const CALLS_SHOWN = 50;

/** Everything about one connection of this organisation, or null when it has none with this id. */
export function createViewConnection({ database }: Pick<Context, 'database'>) {
  return async function viewConnection(organisationId: string, connectionId: string) {
    const connection = await connectionOf(database.service, organisationId, connectionId);
    if (!connection) return null;
    const [history, summary, calls] = await Promise.all([
      historyOf(database.service, organisationId, connection.clientId),
      callsSummary(database.service, connectionId),
      latestCalls(database.service, connectionId, CALLS_SHOWN),
    ]);
    return { connection, history, summary, calls };
  };
}
