import type { Context } from '../context.ts';

const EVERY_MS = 60_000;
const ROWS_MAX = 5000;

/**
 * Removes tokens and assertions that have expired, and old counts of failures, a bounded number at a time. Nothing
 * waits for it: what has expired counts for nothing whether it has been removed or not.
 * @returns how to stop it; resolves when a sweep under way is done.
 */
export function startSweep({ database, log }: Pick<Context, 'database' | 'log'>, everyMs = EVERY_MS) {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = sweep(database.service).catch((error) =>
      log.warn({ err: error }, 'expired tokens were not swept'),
    );
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** One sweep; goes on while there is a full batch to remove. */
export async function sweep(
  pool: Pick<Context['database']['service'], 'query'>,
  rowsMax = ROWS_MAX,
): Promise<void> {
  for (const text of EXPIRED) {
    for (let removed = rowsMax; removed === rowsMax; ) {
      removed = (await pool.query(text, [rowsMax])).rowCount ?? 0;
    }
  }
}

// `skip locked`: the processes sweep side by side without waiting for each other.
const EXPIRED = [
  `delete from access_token where token_hash in (
     select token_hash from access_token where expires_at < now() limit $1 for update skip locked)`,
  `delete from used_assertion where (client_id, jti_hash) in (
     select client_id, jti_hash from used_assertion where expires_at < now() limit $1 for update skip locked)`,
  `delete from attempt where (purpose, subject) in (
     select purpose, subject from attempt
      where purpose = 'token' and window_started_at < now() - interval '1 hour' limit $1 for update skip locked)`,
];
