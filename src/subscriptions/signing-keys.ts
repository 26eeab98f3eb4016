import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import type { Context } from '../context.ts';
import { currentKey, insertKey, isKeyOlderThan, type KeptKey, publicKeys, putKey } from './keys-store.ts';
import { open, seal } from './seal.ts';

export type SigningKey = { kid: string; key: CryptoKey };

const ALG = 'ES384';
/** For how long a new key is shown before it signs: whoever keeps our key set for a day has it by then. */
const SHOWN_AHEAD_SECONDS = 86_400;

/**
 * The keys with which this service signs what it sends. The first is made when it is first asked for, by one of however
 * many processes ask at once, and kept in the database sealed with the service's encryption key. All processes ask the
 * database which one signs, so they change over together.
 */
export function createSigningKeys({ database, secrets }: Pick<Context, 'database' | 'secrets'>) {
  const pool = database.service;
  let held: SigningKey | undefined;

  async function current(): Promise<SigningKey> {
    const found = (await currentKey(pool)) ?? (await makeFirst());
    if (held?.kid === found.kid) return held;
    const jwk = open<JWK>(secrets.encryptionKey, purposeOf(found.kid), found.sealed);
    held = { kid: found.kid, key: (await importJWK(jwk, ALG)) as CryptoKey };
    return held;
  }

  async function makeFirst() {
    await insertKey(pool, await newKey(secrets.encryptionKey));
    // Another process may have been first: then it is that one's.
    return (await currentKey(pool))!;
  }

  return {
    current,

    /** The JWK Set (RFC 7517 section 5) of everything that may have been signed, and of what will sign next. */
    async jwks(): Promise<{ keys: unknown[] }> {
      await current();
      return { keys: await publicKeys(pool) };
    },

    /**
     * Has a new key sign from tomorrow on; it is shown at once. With `withdraw`, for when a private key may be known to
     * others, it signs at once and the earlier ones are shown no more.
     * @param olderThanDays only if the newest key is so old
     * @returns its kid; undefined when there was nothing to do, or another process did it
     */
    async rotate({ olderThanDays = 0, withdraw = false } = {}): Promise<string | undefined> {
      if (olderThanDays > 0 && !(await isKeyOlderThan(pool, olderThanDays))) return undefined;
      const key = await newKey(secrets.encryptionKey);
      const how = { aheadSeconds: SHOWN_AHEAD_SECONDS, olderThanDays, withdraw };
      return (await putKey(pool, key, how)) ? key.kid : undefined;
    },
  };
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;

const purposeOf = (kid: string): string => `signing key ${kid}`;

async function newKey(encryptionKey: Buffer): Promise<KeptKey> {
  const pair = await generateKeyPair(ALG, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = seal(encryptionKey, purposeOf(kid), await exportJWK(pair.privateKey));
  return { kid, sealed, publicJwk: { ...publicJwk, kid, alg: ALG, use: 'sig' } };
}
