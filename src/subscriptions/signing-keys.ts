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
import { currentKey, insertKey, publicKeys } from './store.ts';

export type SigningKey = { kid: string; key: CryptoKey };

const ALG = 'ES384';

/**
 * The keys with which this service signs what it sends. The first is made when it is first asked for, by one of however
 * many processes ask at once, and kept in the database sealed with the service's encryption key.
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
    const pair = await generateKeyPair(ALG, { extractable: true });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    const sealed = seal(secrets.encryptionKey, `signing key ${kid}`, await exportJWK(pair.privateKey));
    await insertKey(pool, { kid, sealed, publicJwk: { ...publicJwk, kid, alg: ALG, use: 'sig' } });
    // Another process may have been first: then it is that one's.
    return (await currentKey(pool))!;
  }

  return {
    current,

    /** The JWK Set (RFC 7517 section 5) of everything that may have been signed. */
    async jwks(): Promise<{ keys: unknown[] }> {
      await current();
      return { keys: await publicKeys(pool) };
    },
  };
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;
