import type { Pool, PoolClient } from 'pg';

/**
 * Runs `act` in one transaction that sees what is the patient's own (the second lock, `act_for_patient`), and commits
 * unless it throws. Null, and nothing is run, when the account is closed.
 */
export async function asPatient<Result>(
  pool: Pool,
  accountId: string,
  act: (client: PoolClient, patientId: string) => Promise<Result>,
): Promise<Result | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ patient: string | null }>({
      name: 'act-for-patient',
      text: 'select act_for_patient($1) as patient',
      values: [accountId],
    });
    const patientId = rows[0]?.patient;
    return patientId ? act(client, patientId) : null;
  });
}

export async function inTransaction<Result>(
  pool: Pool,
  act: (client: PoolClient) => Promise<Result>,
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
