import type { Pool, PoolClient } from 'pg';

/** Who does something, for which organisation, in which request. */
export type Acting = { accountId: string; organisationId: string; requestId: string; address?: string };

export type RoleNeeded = { outcome: 'role-needed' };

/**
 * Runs `act` in one transaction in which the person holds the administrator's role: the role's row is locked
 * against change, so that a role that ends at the same moment ends either before all of it or after. Commits
 * unless `act` throws; without the role nothing is run.
 */
export async function asAdministrator<Result>(
  pool: Pool,
  acting: Acting,
  act: (client: PoolClient) => Promise<Result>,
): Promise<Result | RoleNeeded> {
  return inTransaction(pool, async (client) => {
    const role = await client.query({ name: 'administrator-lock', text: LOCK_ROLE, values: who(acting) });
    return role.rowCount === 1 ? act(client) : { outcome: 'role-needed' as const };
  });
}

/** Runs `read` in one transaction that sees the organisation's purview, for a person with any role there. */
export async function asStaff<Result>(
  pool: Pool,
  acting: Pick<Acting, 'accountId' | 'organisationId'>,
  read: (client: PoolClient) => Promise<Result>,
): Promise<Result | RoleNeeded> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query({
      name: 'act-for-staff',
      text: 'select act_for_staff($1, $2) as role',
      values: who(acting),
    });
    return rows[0]?.role ? read(client) : { outcome: 'role-needed' as const };
  });
}

const LOCK_ROLE = `
  select from staff_role r join account a on a.id = r.account_id
   where r.account_id = $1 and r.organisation_id = $2 and r.role = 'administrator'
     and r.ended_at is null and a.disabled_at is null
     for share of r, a`;

const who = (acting: Pick<Acting, 'accountId' | 'organisationId'>) => [
  acting.accountId,
  acting.organisationId,
];

async function inTransaction<Result>(pool: Pool, act: (client: PoolClient) => Promise<Result>) {
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
