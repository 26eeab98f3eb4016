import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const PERIOD_SECONDS = 30;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The time step (RFC 6238) whose code this is, one step early or late forgiven, or null. Whoever accepts a code
 * must remember its step, and accept only later ones: a code that was read over a shoulder is then worth nothing.
 */
export function stepOfCode(secret: Buffer, code: string, now: Date): number | null {
  const digits = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(digits)) return null;
  const timestamp = now.getTime();
  const delta = totp(secret).validate({ token: digits, timestamp, window: 1 });
  return delta === null ? null : Math.floor(timestamp / 1000 / PERIOD_SECONDS) + delta;
}

/** The code of this moment: for the demo, examples and tests. */
export const codeAt = (secretBase32: string, now: Date): string =>
  totp(secretOf(secretBase32)).generate({ timestamp: now.getTime() });

export const secretOf = (base32: string): Buffer => Buffer.from(Secret.fromBase32(base32).bytes);

/** What a person types or scans into an authenticator. */
export function enrolment(secret: Buffer, issuer: string, label: string): { secret: string; uri: string } {
  const made = totp(secret, issuer, label);
  return { secret: made.secret.base32, uri: made.toString() };
}

/**
 * The secret offered to someone who has none yet, derived from the session so that reloading the page shows the
 * same one, and nothing is stored before a code has confirmed it.
 */
export const offeredSecret = (encryptionKey: Buffer, sessionIdHash: Buffer): Buffer =>
  createHmac('sha256', encryptionKey)
    .update('totp enrolment\0')
    .update(sessionIdHash)
    .digest()
    .subarray(0, 20);

/** AES-256-GCM: nonce, ciphertext, tag. Bound to the account, so that a secret moved to another row does not open. */
export function sealTotpSecret(encryptionKey: Buffer, accountId: string, secret: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce).setAAD(Buffer.from(accountId));
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** @throws when the sealed secret was altered or belongs to another account or key. */
export function openTotpSecret(encryptionKey: Buffer, accountId: string, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(accountId)).setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

const totp = (secret: Buffer, issuer = 'Connected Systems', label = ''): TOTP =>
  new TOTP({
    issuer,
    label,
    secret: new Secret({ buffer: new Uint8Array(secret).buffer }),
    algorithm: 'SHA1',
    digits: 6,
    period: PERIOD_SECONDS,
  });
