import type { JWK } from 'jose';
import type { Pool } from 'pg';
import { checkedUrl } from '../oauth/fetch-jwks.ts';
import { readKey, readKeySet } from '../oauth/key-set.ts';
import { inTransaction } from './in-transaction.ts';
import { SystemError } from './system-error.ts';

/**
 * Takes the place of whatever keys a system had. Stricter than what is fetched from a URL: who uploads a key means it
 * to be used, so one that cannot be is refused with its reason.
 * @param jwks a JSON Web Key Set of public keys, each with a `kid` of its own.
 * @throws {SystemError} KEYS_INVALID, SYSTEM_METHOD_OTHER, SYSTEM_UNKNOWN.
 */
export async function uploadKeys(
  pool: Pool,
  { clientId, jwks }: { clientId: string; jwks: unknown },
): Promise<{ kids: string[] }> {
  const keys = checkedKeys(jwks);
  await replaceKeys(pool, clientId, { keys }, null);
  return { kids: keys.map(({ kid }) => kid!) };
}

/**
 * Lets a system's keys be fetched from its vendor, who can then change them without asking. The URL is not called here.
 * @throws {SystemError} KEYS_URL_INVALID, SYSTEM_METHOD_OTHER, SYSTEM_UNKNOWN.
 */
export async function setKeysUrl(
  pool: Pool,
  { clientId, url }: { clientId: string; url: string },
): Promise<void> {
  try {
    checkedUrl(url);
  } catch (cause) {
    throw new SystemError('KEYS_URL_INVALID', `The keys' URL cannot be used: ${(cause as Error).message}.`, {
      cause,
    });
  }
  await replaceKeys(pool, clientId, null, url);
}

function checkedKeys(jwks: unknown): JWK[] {
  try {
    readKeySet(jwks);
  } catch (cause) {
    throw new SystemError('KEYS_INVALID', `The keys cannot be used: ${(cause as Error).message}.`, { cause });
  }
  const uploaded = (jwks as { keys: Record<string, unknown>[] }).keys;
  const keys = uploaded.map((jwk, index) => {
    const key = readKey(jwk);
    if (typeof key === 'string')
      throw new SystemError('KEYS_INVALID', `Key ${index + 1} cannot be used: ${key}.`);
    return key;
  });
  if (keys.length === 0) throw new SystemError('KEYS_INVALID', 'The set holds no key.');
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) {
    throw new SystemError('KEYS_INVALID', 'Two keys have the same kid: give each its own.');
  }
  return keys;
}

function replaceKeys(pool: Pool, clientId: string, jwks: { keys: JWK[] } | null, url: string | null) {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query('select auth_method from system where client_id = $1 for update', [
      clientId,
    ]);
    if (!rows[0]) throw new SystemError('SYSTEM_UNKNOWN', 'There is no such system.');
    if (rows[0].auth_method !== 'private_key_jwt') {
      throw new SystemError(
        'SYSTEM_METHOD_OTHER',
        'This system authenticates with a secret, so it has no keys.',
      );
    }
    await client.query('update system set jwks = $2, jwks_uri = $3 where client_id = $1', [
      clientId,
      jwks && JSON.stringify(jwks),
      url,
    ]);
    // What was fetched before came from somewhere that no longer counts.
    await client.query('delete from fetched_jwks where client_id = $1', [clientId]);
  });
}
