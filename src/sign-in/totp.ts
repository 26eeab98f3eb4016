import { Secret, TOTP } from 'otpauth';
import { hmacSha256 } from '../hmac.ts';
import { seal, unseal } from './seal.ts';

const PERIOD_SECONDS = 30;

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
  hmacSha256(encryptionKey).update('totp enrolment\0').update(sessionIdHash).digest().subarray(0, 20);

/** Kept so that the database alone tells nothing of it. Bound to the account: one moved to another row does not open. */
export const sealTotpSecret = (encryptionKey: Buffer, accountId: string, secret: Buffer): Buffer =>
  seal(encryptionKey, accountId, secret);

/** @throws when the sealed secret was altered or belongs to another account or key. */
export const openTotpSecret = (encryptionKey: Buffer, accountId: string, sealed: Buffer): Buffer =>
  unseal(encryptionKey, accountId, sealed);

const totp = (secret: Buffer, issuer = 'Connected Systems', label = ''): TOTP =>
  new TOTP({
    issuer,
    label,
    secret: new Secret({ buffer: new Uint8Array(secret).buffer }),
    algorithm: 'SHA1',
    digits: 6,
    period: PERIOD_SECONDS,
  });
