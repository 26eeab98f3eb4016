import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';

/** How many secrets of one system may be live at a time: the old and the new, while the vendor changes over. */
export const LIVE_SECRETS_MAX = 2;

/** A new client secret: 256 random bits as 43 characters that need no escaping anywhere. Shown once. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What is kept of a client secret: HMAC-SHA-256 under the pepper. A slow hash would protect a weak secret; these are
 * 256 random bits, so speed costs nothing, and a stolen table without the pepper cannot even confirm a guess.
 */
export function secretHash(pepper: Buffer, secret: string): Buffer {
  return hmacSha256(pepper).update('client-secret\0').update(secret).digest();
}

/** True when `hash` is one of `kept`. Always the same number of comparisons, whatever is kept and wherever it matches. */
export function isKeptSecret(kept: Buffer[], hash: Buffer): boolean {
  let matches = 0;
  for (let slot = 0; slot < LIVE_SECRETS_MAX; slot += 1) {
    const candidate = kept[slot];
    const equal = timingSafeEqual(candidate ?? NEVER, hash);
    matches |= Number(candidate !== undefined && equal);
  }
  return matches === 1;
}

const NEVER = Buffer.alloc(32);
