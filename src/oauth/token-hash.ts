import { createHash, randomBytes } from 'node:crypto';

/** An access token: 256 random bits, opaque. It is in no log and no table; what is kept of it is its hash. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a token. It needs neither salt nor pepper: nobody can guess 256 random bits. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
