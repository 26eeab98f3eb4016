import type { Context } from '../../context.ts';
import { type Acting, asStaff } from '../acting.ts';

/**
 * The permissions of a connection of the organisation without which its subscriptions would go silent: `Observation.r`.
 * None when the person has no role there.
 */
export function createPermissionsForPush({ database }: Pick<Context, 'database'>) {
  return async function permissionsForPush(
    acting: Pick<Acting, 'accountId' | 'organisationId'>,
    connectionId: string,
  ): Promise<string[]> {
    const found = await asStaff(database.service, acting, async (client) => {
      const { rows } = await client.query<{ permissions: string[] }>({
        name: 'connection-permissions-for-push',
        text: 'select permissions_for_push($1) as permissions',
        values: [connectionId],
      });
      return rows[0]!.permissions;
    });
    return 'outcome' in found ? [] : found;
  };
}
