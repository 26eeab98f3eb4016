import type { Pool } from 'pg';

type On = Pick<Pool, 'query'>;

/** A key as it is kept: its private half sealed, its public half as it is shown. */
export type KeptKey = { kid: string; sealed: Buffer; publicJwk: object };

/** How long a key is shown that signs no more: longer than anything may be sent again, and kept to be checked. */
const SHOWN_DAYS = 35;

export async function currentKey(on: On): Promise<Pick<KeptKey, 'kid' | 'sealed'> | undefined> {
  const { rows } = await on.query({
    name: 'signing-key-current',
    text: 'select kid, sealed from current_signing_key()',
  });
  return rows[0];
}

/** Of several that are made at once, one stays. */
export async function insertKey(on: On, { kid, sealed, publicJwk }: KeptKey): Promise<void> {
  await on.query({
    name: 'signing-key-insert',
    text: 'insert into signing_key (kid, sealed, public_jwk) values ($1, $2, $3) on conflict do nothing',
    values: [kid, sealed, JSON.stringify(publicJwk)],
  });
}

/** Newest first: those that sign, that will, and that did not long ago. */
export async function publicKeys(on: On): Promise<unknown[]> {
  const { rows } = await on.query({
    name: 'signing-key-public',
    text: `select public_jwk as jwk from signing_key
            where retired_at is null or retired_at > clock_timestamp() - make_interval(days => $1)
            order by created_at desc`,
    values: [SHOWN_DAYS],
  });
  return rows.map(({ jwk }) => jwk);
}

/** Whether the newest key is so old; false when there is none yet. */
export async function isKeyOlderThan(on: On, days: number): Promise<boolean> {
  const { rows } = await on.query({
    name: 'signing-key-old',
    text: `select exists (select from signing_key where retired_at is null
                             and created_at <= clock_timestamp() - make_interval(days => $1)) as old`,
    values: [days],
  });
  return rows[0].old;
}

/** Whether this key is the newest now; migration 0023 says what becomes of the others. */
export async function putKey(
  on: On,
  { kid, sealed, publicJwk }: KeptKey,
  {
    aheadSeconds,
    olderThanDays,
    withdraw,
  }: { aheadSeconds: number; olderThanDays: number; withdraw: boolean },
): Promise<boolean> {
  const { rows } = await on.query({
    name: 'signing-key-rotate',
    text: `select rotate_signing_key($1, $2, $3, make_interval(secs => $4), make_interval(days => $5), $6) as done`,
    values: [kid, sealed, JSON.stringify(publicJwk), aheadSeconds, olderThanDays, withdraw],
  });
  return rows[0].done;
}

export async function sweepKeys(on: On): Promise<void> {
  await on.query({
    name: 'signing-key-sweep',
    text: 'select sweep_signing_keys(make_interval(days => $1))',
    values: [SHOWN_DAYS],
  });
}
