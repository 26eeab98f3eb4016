import type { FastifyRequest } from 'fastify';
import type { ClientBase, Pool } from 'pg';
import { staffOf } from '../sign-in/index.ts';

/** Who does something, for which organisation, in which request. */
export type Acting = { accountId: string; organisationId: string; requestId: string; address: string };

export function actingOf(request: FastifyRequest): Acting {
  const { accountId, organisationId } = staffOf(request);
  return { accountId, organisationId, requestId: request.id, address: request.ip };
}

/** Runs `act` in one transaction, and undoes it when it throws. */
export async function inTransaction<Result>(
  pool: Pool,
  act: (client: ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await act(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

export type SetUpRole = 'administrator' | 'coordinator';

/**
 * As `inTransaction`, while the person holds one of the roles: its row is locked, so that a role that ends at the same
 * moment ends before all of it or after. Null without the role, and nothing is run.
 */
export async function whileInRole<Result>(
  pool: Pool,
  acting: Acting,
  roles: readonly SetUpRole[],
  act: (client: ClientBase) => Promise<Result>,
): Promise<Result | null> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query({
      name: 'launch-role-lock',
      text: `
        select from staff_role r join account a on a.id = r.account_id
         where r.account_id = $1 and r.organisation_id = $2 and r.role = any ($3)
           and r.ended_at is null and a.disabled_at is null
           for share of r, a`,
      values: [acting.accountId, acting.organisationId, roles],
    });
    return rowCount === 1 ? act(client) : null;
  });
}
