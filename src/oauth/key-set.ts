import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';

export type KeySet = { keys: JWK[] };

export class KeySetError extends Error {
  readonly code: 'KEY_SET_MALFORMED' | 'KEY_SET_PRIVATE';
  constructor(code: KeySetError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const KEYS_MAX = 100;

/**
 * The keys of a JWK set (RFC 7517) that could verify an assertion, each reduced to what that takes. Others, for
 * encryption or other algorithms, are passed over, as a vendor may use one set for several purposes.
 * @throws {KeySetError} when it is no key set, or holds a private or a symmetric key: what is published is lost.
 */
export function readKeySet(value: unknown): KeySet {
  const keys = isObject(value) && Array.isArray(value.keys) ? value.keys : undefined;
  if (!keys || keys.length > KEYS_MAX || !keys.every(isObject)) {
    throw new KeySetError('KEY_SET_MALFORMED', `not a JSON Web Key Set with at most ${KEYS_MAX} keys`);
  }
  if (keys.some(holdsSecret)) {
    throw new KeySetError(
      'KEY_SET_PRIVATE',
      'the set holds a private or symmetric key: replace that key, and send public keys only',
    );
  }
  return { keys: keys.map((key) => readKey(key)).filter((key) => typeof key !== 'string') };
}

/** One public key reduced to what verifying takes, or the reason why it cannot be used. */
export function readKey(jwk: Record<string, unknown>): JWK | string {
  const { kty, kid, use, alg, key_ops: operations } = jwk;
  if (typeof kid !== 'string' || kid === '' || kid.length > 500) return 'it has no kid';
  if (use !== undefined && use !== 'sig') return 'its use is not sig';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'its key_ops do not include verify';
  }
  const members =
    kty === 'RSA' ? rsaMembers(jwk) : kty === 'EC' ? ecMembers(jwk) : 'it is neither RSA nor EC';
  if (typeof members === 'string') return members;
  const fits = kty === 'RSA' ? 'RS384' : 'ES384';
  if (alg !== undefined && alg !== fits) return `its alg is not ${fits}`;
  try {
    createPublicKey({ key: members, format: 'jwk' });
  } catch {
    return 'its numbers make no key';
  }
  return { ...members, kid, use: 'sig', alg: fits };
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

const holdsSecret = (key: Record<string, unknown>) =>
  key.kty === 'oct' || PRIVATE_MEMBERS.some((member) => key[member] !== undefined);

function rsaMembers({ n, e }: Record<string, unknown>) {
  const bits = typeof n === 'string' ? bitLength(Buffer.from(n, 'base64url')) : 0;
  if (bits < 2048) return 'it is shorter than 2048 bits';
  // A huge modulus or exponent would make each check of a signature slow, for whoever sends one.
  if (bits > 8192) return 'it is longer than 8192 bits';
  if (typeof e !== 'string' || bitLength(Buffer.from(e, 'base64url')) > 32)
    return 'its exponent is too large';
  return { kty: 'RSA', n: n as string, e };
}

function ecMembers({ crv, x, y }: Record<string, unknown>) {
  if (crv !== 'P-384') return 'its curve is not P-384';
  if (typeof x !== 'string' || typeof y !== 'string') return 'it lacks x or y';
  return { kty: 'EC', crv, x, y };
}

function bitLength(bytes: Buffer): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first - 1) * 8 + (32 - Math.clz32(bytes[first]!));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
