import type { Pool } from 'pg';
import type { BaseLogger } from 'pino';
import type { FetchJwks } from './fetch-jwks.ts';
import type { KeySet } from './key-set.ts';

/** Resolves with the keys fetched within the last minute, or undefined when they could not be had. */
export type RefreshKeys = (clientId: string, url: string) => Promise<KeySet | undefined>;

type Needs = { pool: Pick<Pool, 'query'>; fetchJwks: FetchJwks; log: Pick<BaseLogger, 'warn'> };

/**
 * Fetches a system's keys anew, at most once a minute for each system over all processes: anyone may send assertions
 * with made-up `kid`s, and that must not become a flood on the vendor's server. Those who wait share one fetch.
 */
export function createRefreshKeys({ pool, fetchJwks, log }: Needs): RefreshKeys {
  const underWay = new Map<string, Promise<KeySet | undefined>>();

  async function refresh(clientId: string, url: string): Promise<KeySet | undefined> {
    const claimed = await pool.query({ name: 'oauth-claim-refresh', text: CLAIM, values: [clientId] });
    if (claimed.rowCount === 0) return justKept(clientId, url);
    let fetched: Awaited<ReturnType<FetchJwks>>;
    try {
      fetched = await fetchJwks(url);
    } catch (error) {
      log.warn({ clientId, reason: (error as Error).message }, "a system's keys could not be fetched");
      return undefined;
    }
    const values = [clientId, JSON.stringify(fetched.keySet), fetched.freshS, url];
    await pool.query({ name: 'oauth-keep-keys', text: KEEP, values });
    return fetched.keySet;
  }

  /** What another request, here or in another process, fetched after this one had looked for keys. */
  async function justKept(clientId: string, url: string): Promise<KeySet | undefined> {
    const values = [clientId, url];
    const { rows } = await pool.query<{ jwks: KeySet }>({ name: 'oauth-just-kept', text: JUST_KEPT, values });
    return rows[0]?.jwks;
  }

  return (clientId, url) => {
    const key = JSON.stringify([clientId, url]);
    const running = underWay.get(key) ?? refresh(clientId, url).finally(() => underWay.delete(key));
    underWay.set(key, running);
    return running;
  };
}

// The claim counts as a failure until keys are kept, so a process that dies in between blocks nobody for longer.
const CLAIM = `
insert into fetched_jwks as f (client_id, fetched_at, failed_at) values ($1, '-infinity', now())
on conflict (client_id) do update set failed_at = now()
  where greatest(f.fetched_at, f.failed_at) < now() - interval '60 seconds'
returning client_id`;

// Not when the vendor has registered another address meanwhile: these would be the old address's keys.
const KEEP = `
update fetched_jwks set jwks = $2, fetched_at = now(), failed_at = null, fresh_until = now() + make_interval(secs => $3)
 where client_id = $1 and exists (select from system s where s.client_id = $1 and s.jwks_uri = $4)`;

// A failed fetch leaves failed_at, and no keys older than that are handed out here.
const JUST_KEPT = `
select f.jwks from fetched_jwks f join system s on s.client_id = f.client_id and s.jwks_uri = $2
 where f.client_id = $1 and f.jwks is not null and f.failed_at is null and f.fetched_at > now() - interval '60 seconds'`;
