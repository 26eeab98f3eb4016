import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import type { Context } from '../context.ts';
import { open, seal } from './seal.ts';
import { addKey, currentKey, publicKeys } from './store.ts';

export type SigningKey = { kid: string; key: CryptoKey };

const ALG = 'ES384';

/** How long receivers may keep the key set, and how long before it signs a key is in it: three times as long. */
export const JWKS_MAX_AGE_SECONDS = 300;
const LEAD_SECONDS = 3 * JWKS_MAX_AGE_SECONDS;
/** Older than any key: only the very first is made then. */
const NEVER_DAYS = 36_500;

/**
 * The keys with which this service signs what it sends. The first is made when it is first asked for, by one of however
 * many processes ask at once, and kept in the database sealed with the service's encryption key. Which one signs is asked
 * of the database each time, so that every process goes over to the next one at the same moment.
 */
export function createSigningKeys({ database, secrets }: Pick<Context, 'database' | 'secrets'>) {
  const pool = database.service;
  let held: SigningKey | undefined;

  async function current(): Promise<SigningKey> {
    const found = (await currentKey(pool)) ?? (await make());
    if (held?.kid === found.kid) return held;
    const jwk = open<JWK>(secrets.encryptionKey, `signing key ${found.kid}`, found.sealed);
    held = { kid: found.kid, key: (await importJWK(jwk, ALG)) as CryptoKey };
    return held;
  }

  async function make() {
    await add({ ageDays: NEVER_DAYS, drop: false });
    // Another process may have been first: then it is that one's.
    return (await currentKey(pool))!;
  }

  async function add(when: { ageDays: number; drop: boolean }) {
    const pair = await generateKeyPair(ALG, { extractable: true });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    const sealed = seal(secrets.encryptionKey, `signing key ${kid}`, await exportJWK(pair.privateKey));
    const key = { kid, sealed, publicJwk: { ...publicJwk, kid, alg: ALG, use: 'sig' } };
    return { kid, outcome: await addKey(pool, key, { ...when, leadSeconds: LEAD_SECONDS }) };
  }

  return {
    current,

    /**
     * The next key, if the newest is `ageDays` old: published now, and signing once receivers have had the time to fetch
     * it. With `drop` it signs at once and all before it are withdrawn. Of several who ask at once one adds it.
     */
    rotate: ({ ageDays = 0, drop = false }) => add({ ageDays, drop }),

    /** The JWK Set (RFC 7517 section 5) of everything that may have been signed. */
    async jwks(): Promise<{ keys: unknown[] }> {
      await current();
      return { keys: await publicKeys(pool) };
    },
  };
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;
