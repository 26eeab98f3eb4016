import type { ClientBase, Pool } from 'pg';

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
