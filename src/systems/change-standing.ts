import type { Pool } from 'pg';
import { SystemError } from './system-error.ts';

export type Standing = 'draft' | 'in-review' | 'live' | 'suspended';

type Change = (pool: Pick<Pool, 'query'>, clientId: string) => Promise<void>;

/** The vendor asks for review. A system without any way to prove who it is has nothing to review. */
export const submitForReview: Change = (pool, clientId) => change(pool, clientId, 'draft', 'in-review');

/** From now on administrators can find the system, and it can get tokens. */
export const approveSystem: Change = (pool, clientId) => change(pool, clientId, 'in-review', 'live');

/** Back to the vendor, to be changed and submitted again. */
export const returnToDraft: Change = (pool, clientId) => change(pool, clientId, 'in-review', 'draft');

/** Stops a system everywhere at once: no new tokens, and every call with an old one is refused. Connections stay. */
export const suspendSystem: Change = (pool, clientId) => change(pool, clientId, 'live', 'suspended');

/** Lets a suspended system go on with the connections it has. */
export const resumeSystem: Change = (pool, clientId) => change(pool, clientId, 'suspended', 'live');

/** One statement, so of two who change at once one does and the other is told. */
async function change(
  pool: Pick<Pool, 'query'>,
  clientId: string,
  from: Standing,
  to: Standing,
): Promise<void> {
  const { rows } = await pool.query({
    name: 'systems-change-standing',
    text: CHANGE,
    values: [clientId, from, to],
  });
  const { standing, changed, can_authenticate: canAuthenticate } = rows[0] ?? {};
  if (changed) return;
  if (standing === undefined) throw new SystemError('SYSTEM_UNKNOWN', 'There is no such system.');
  if (standing === from && !canAuthenticate) {
    throw new SystemError('SYSTEM_NO_CREDENTIALS', 'The system needs a secret or keys first.');
  }
  throw new SystemError('SYSTEM_STANDING_OTHER', `The system is ${standing}, not ${from}.`);
}

const CHANGE = `
with before as (
  select s.client_id, s.standing, s.jwks is not null or s.jwks_uri is not null or exists (
           select from system_secret c where c.client_id = s.client_id and c.ended_at is null
              and (c.expires_at is null or c.expires_at > now())) as can_authenticate
    from system s where s.client_id = $1
     for update of s
), changed as (
  update system s set standing = $3 from before b
   where s.client_id = b.client_id and s.standing = $2 and (b.can_authenticate or $3 not in ('in-review', 'live'))
  returning s.client_id
)
select standing, can_authenticate, exists (select from changed) as changed from before`;
