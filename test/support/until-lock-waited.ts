import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

/** Until somebody in this database waits for a row, or a transaction, that another holds. */
export async function untilLockWaited(owner: Pick<Pool, 'query'>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rowCount } = await owner.query(
      `select from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and l.locktype in ('transactionid', 'tuple') and a.datname = current_database()`,
    );
    if (rowCount) return;
    await sleep(10);
  }
  throw new Error('nothing waited');
}
