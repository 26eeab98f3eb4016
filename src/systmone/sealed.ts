import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps a value so that the database alone tells nothing of it: AES-256-GCM over its JSON, as nonce, ciphertext, tag.
 * Bound to its purpose and row, so that one moved elsewhere does not open.
 */
export function seal(encryptionKey: Buffer, boundTo: string, value: object): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce).setAAD(Buffer.from(boundTo));
  return Buffer.concat([nonce, cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()]);
}

/** @throws when it was altered, moved, or sealed with another key. */
export function unseal<Value>(encryptionKey: Buffer, boundTo: string, sealed: Buffer): Value {
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(boundTo)).setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return JSON.parse(plain.toString()) as Value;
}

/** A new secret for a cookie or an address, and the hash under which the database knows it. */
export function newToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashOfToken(token)! };
}

export const hashOfToken = (token: unknown): Buffer | null =>
  typeof token === 'string' && /^[\w-]{43}$/.test(token) ? createHash('sha256').update(token).digest() : null;

/** A keyed hash by which a row is found, and from which nobody without the pepper finds what it stands for. */
export const keyed = (pepper: Buffer, purpose: string, ...parts: string[]): Buffer =>
  hmacSha256(pepper)
    .update(JSON.stringify([`launch ${purpose}`, ...parts]))
    .digest();
