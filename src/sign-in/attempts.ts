import ipaddr from 'ipaddr.js';
import type { Pool } from 'pg';
import { hmacSha256 } from '../hmac.ts';

/** How many tries are free, and how the waiting grows after them. */
export type AttemptLimit = {
  purpose: string;
  free: number;
  firstWaitSeconds: number;
  waitSecondsMax: number;
};

/** After this long without a try, counting begins again. */
const FORGET_SECONDS = 3600;

/**
 * Limits tries (of a password, a code, a guess) by counting each one *before* it is made, in the database, so
 * that a hundred sent at once on ten processes are counted as a hundred. The waiting doubles with every try past
 * the free ones. Subjects are kept as keyed hashes.
 */
export function createAttempts(database: Pick<Pool, 'query'>, pepper: Buffer) {
  const hashed = (purpose: string, subject: string) =>
    hmacSha256(pepper).update(`attempt\0${purpose}\0${subject}`).digest();

  return {
    /** Counts one try. Null: go ahead. A number: refused, with the seconds to wait. */
    async count(limit: AttemptLimit, subject: string, now: Date): Promise<number | null> {
      const key = [limit.purpose, hashed(limit.purpose, subject)];
      const counted = await database.query({
        name: 'attempt-count',
        text: `
          insert into attempt as a (purpose, subject, failures, window_started_at)
          values ($1, $2, 1, $3)
          on conflict (purpose, subject) do update set
            failures = case when a.window_started_at < $3 - make_interval(secs => $7) then 1 else a.failures + 1 end,
            window_started_at = $3,
            blocked_until = case
              when a.window_started_at < $3 - make_interval(secs => $7) or a.failures + 1 < $4 then null
              else $3 + make_interval(secs => least($6, $5 * power(2, least(a.failures + 1 - $4, 20)))) end
          where a.blocked_until is null or a.blocked_until <= $3`,
        values: [...key, now, limit.free, limit.firstWaitSeconds, limit.waitSecondsMax, FORGET_SECONDS],
      });
      if (counted.rowCount === 1) return null;
      const blocked = await database.query({
        name: 'attempt-blocked',
        text: 'select blocked_until from attempt where purpose = $1 and subject = $2',
        values: key,
      });
      const until: Date | null | undefined = blocked.rows[0]?.blocked_until;
      return Math.max(1, Math.ceil(((until?.getTime() ?? 0) - now.getTime()) / 1000));
    },

    /** The seconds for which tries are refused now, without counting one; null: they are not. */
    async blocked(limit: AttemptLimit, subject: string, now: Date): Promise<number | null> {
      const { rows } = await database.query({
        name: 'attempt-blocked',
        text: 'select blocked_until from attempt where purpose = $1 and subject = $2',
        values: [limit.purpose, hashed(limit.purpose, subject)],
      });
      const until: Date | null | undefined = rows[0]?.blocked_until;
      return until && until > now ? Math.ceil((until.getTime() - now.getTime()) / 1000) : null;
    },

    /** The try was right: forget the tries for this subject. */
    async forget(limit: AttemptLimit, subject: string): Promise<void> {
      await database.query({
        name: 'attempt-forget',
        text: 'delete from attempt where purpose = $1 and subject = $2',
        values: [limit.purpose, hashed(limit.purpose, subject)],
      });
    },

    /** The try was right, but what others tried from the same place still counts. */
    async uncount(limit: AttemptLimit, subject: string): Promise<void> {
      await database.query({
        name: 'attempt-uncount',
        text: `update attempt set failures = greatest(0, failures - 1), blocked_until = null
                where purpose = $1 and subject = $2`,
        values: [limit.purpose, hashed(limit.purpose, subject)],
      });
    },

    /** Deletes what no longer limits anything. */
    async clean(now: Date): Promise<void> {
      await database.query({
        text: `delete from attempt where window_started_at < $1::timestamptz - interval '1 day'`,
        values: [now],
      });
    },
  };
}

export type Attempts = ReturnType<typeof createAttempts>;

/**
 * The subject of a limit that many share, such as a hospital behind one address. Counted by the hour: theirs never has
 * the quiet hour in which counting would begin again, and everybody's slips would add up for days.
 */
export const withinHour = (subject: string, now: Date): string =>
  `${subject} ${now.toISOString().slice(0, 13)}`;

/** The part of an address that one party holds: all of an IPv4 address, the /64 of an IPv6 one. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
}
