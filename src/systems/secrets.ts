import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { LIVE_SECRETS_MAX, newSecret, secretHash } from '../oauth/client-secret.ts';
import { inTransaction } from './in-transaction.ts';
import { SystemError } from './system-error.ts';

export type NewSecret = { secretId: string; secret: string };

/**
 * Makes a further secret for a system. It is in the answer and nowhere else: it cannot be shown again.
 * Two may be live at a time, so that the vendor brings in the new one before the old one ends.
 * @throws {SystemError} SECRETS_TOO_MANY, SYSTEM_METHOD_OTHER (a system with keys has no secret), SYSTEM_UNKNOWN.
 */
export async function addSecret(
  pool: Pool,
  pepper: Buffer,
  { clientId, expiresAt = null }: { clientId: string; expiresAt?: Date | null },
): Promise<NewSecret> {
  return inTransaction(pool, async (client) => {
    // Two who add at once take turns, so that the second sees the first's.
    const { rows } = await client.query('select auth_method from system where client_id = $1 for update', [
      clientId,
    ]);
    if (!rows[0]) throw new SystemError('SYSTEM_UNKNOWN', 'There is no such system.');
    if (rows[0].auth_method !== 'client_secret_basic') {
      throw new SystemError(
        'SYSTEM_METHOD_OTHER',
        'This system authenticates with keys, so it has no secret.',
      );
    }
    const live = await client.query(COUNT_LIVE, [clientId]);
    if (live.rows[0].n >= LIVE_SECRETS_MAX) {
      throw new SystemError(
        'SECRETS_TOO_MANY',
        'Two secrets are live already: end one before making another.',
      );
    }
    const secret = newSecret();
    const secretId = randomUUID();
    await client.query(
      'insert into system_secret (id, client_id, secret_hash, expires_at) values ($1, $2, $3, $4)',
      [secretId, clientId, secretHash(pepper, secret), expiresAt],
    );
    return { secretId, secret };
  });
}

/**
 * Ends a secret for good, at once. Ending it again changes nothing.
 * @throws {SystemError} SECRET_UNKNOWN, also for another system's secret.
 */
export async function endSecret(
  pool: Pick<Pool, 'query'>,
  { clientId, secretId }: { clientId: string; secretId: string },
): Promise<void> {
  const { rowCount } = await pool.query({
    name: 'systems-end-secret',
    text: END,
    values: [secretId, clientId],
  });
  if (rowCount === 0) throw new SystemError('SECRET_UNKNOWN', 'This system has no such secret.');
}

const COUNT_LIVE = `
select count(*) as n from system_secret
 where client_id = $1 and ended_at is null and (expires_at is null or expires_at > now())`;

const END = 'update system_secret set ended_at = coalesce(ended_at, now()) where id = $1 and client_id = $2';
