import type { Context } from '../../context.ts';
import { type Acting, asStaff } from '../acting.ts';

/** One subscription of a connection, as its organisation's staff may know of it: never its secrets. */
export type Push = {
  topic: string;
  /** The receiver's host; the rest of its address may be a secret of the company's. */
  host: string;
  standing: 'requested' | 'active' | 'error' | 'off';
  /** By the company; else `off` means that it has ended. */
  paused: boolean;
  waiting: number;
  /** Given up, and kept for the company to ask for again. */
  dead: number;
  lastDelivered: Date | null;
  lastFailed: Date | null;
  /** Since the last that failed none was delivered. */
  failing: boolean;
  /** The code of the last that failed. */
  error: string | null;
};

/** What a connection of the organisation is told of, oldest subscription first; none when the person has no role there. */
export function createReadPush({ database }: Pick<Context, 'database'>) {
  return async function readPush(
    acting: Pick<Acting, 'accountId' | 'organisationId'>,
    connectionId: string,
  ): Promise<Push[]> {
    const found = await asStaff(database.service, acting, async (client) => {
      const { rows } = await client.query<Omit<Push, 'host'> & { endpoint: string }>({
        name: 'connection-push',
        text: `select topic, endpoint, standing, paused, waiting, dead, delivered_at as "lastDelivered",
                      failed_at as "lastFailed", failing, error
                 from push_of_connection($1)`,
        values: [connectionId],
      });
      return rows;
    });
    if ('outcome' in found) return [];
    return found.map(({ endpoint, ...push }) => ({ ...push, host: URL.parse(endpoint)?.host ?? 'Unknown' }));
  };
}
