import type { Pool } from 'pg';
import { hmacSha256 } from '../hmac.ts';

export const FAILURES_MAX = 10;
const WINDOW_S = 60;

export type Attempts = ReturnType<typeof createAttempts>;

/**
 * Counts failed authentications for each client id **and** address together, so that guessing with someone's client id
 * does not lock that system out: it comes from another address. After 10 within a minute that pair waits a minute.
 * Secrets of 256 bits are not guessed; this keeps a broken or hostile caller from costing everybody else.
 */
export function createAttempts(pool: Pick<Pool, 'query'>, pepper: Buffer) {
  return {
    /** Who is counted, as a keyed hash: nothing personal is kept. */
    subjectOf: (clientId: string, address: string) =>
      hmacSha256(pepper)
        .update('token-attempt\0')
        .update(JSON.stringify([clientId, address]))
        .digest(),

    async failed(subject: Buffer): Promise<void> {
      await pool.query({
        name: 'oauth-attempt-failed',
        text: FAILED,
        values: [subject, WINDOW_S, FAILURES_MAX],
      });
    },
  };
}

const FAILED = `
insert into attempt as a (purpose, subject, failures, window_started_at) values ('token', $1, 1, now())
on conflict (purpose, subject) do update set
  failures = case when a.window_started_at < now() - make_interval(secs => $2) then 1 else a.failures + 1 end,
  window_started_at = case when a.window_started_at < now() - make_interval(secs => $2) then now() else a.window_started_at end,
  blocked_until = case when a.failures + 1 >= $3 and a.window_started_at >= now() - make_interval(secs => $2)
                       then now() + make_interval(secs => $2) else a.blocked_until end`;
