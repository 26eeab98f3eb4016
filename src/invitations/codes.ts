import { randomBytes } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';
import type { RandomBytes } from '../ids.ts';

/**
 * A new pair for an invitation: the invitation code (`code`) and the access code (`token`), ten characters each, which
 * the caller shows once; stored are the hashes alone. About 44 bits each; half a pair is worth nothing.
 */
export function newInvitationPair(pepper: Buffer, random: RandomBytes = randomBytes) {
  const code = newCode(random);
  const token = newCode(random);
  return {
    code,
    token,
    codeHash: hashInvitationCode(pepper, code),
    tokenHash: hashAccessCode(pepper, token),
  };
}

/** What is stored of an invitation code, and looked for: HMAC-SHA-256 with the pepper. */
export const hashInvitationCode = (pepper: Buffer, code: string): Buffer => keyed(pepper, 'code', code);

/** What is stored of an access code. */
export const hashAccessCode = (pepper: Buffer, token: string): Buffer => keyed(pepper, 'token', token);

/** A code as people type it, made canonical: case, spaces and hyphens do not count. Null: it can be no code. */
export function readCode(typed: string): string | null {
  const code = typed.replaceAll(/[\s\p{Dash}]/gu, '').toUpperCase();
  return code.length === LENGTH && [...code].every((letter) => ALPHABET.includes(letter)) ? code : null;
}

// Neither vowels (no words come of it) nor what looks like something else in print: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
const ALPHABET = 'CDFGHJKMNPQRTWXY34679';
const LENGTH = 10;

function newCode(random: RandomBytes): string {
  let code = '';
  while (code.length < LENGTH) {
    for (const byte of random(LENGTH * 2)) {
      // Bytes past the last whole multiple would make the first letters likelier.
      if (byte < ALPHABET.length * 12 && code.length < LENGTH) code += ALPHABET[byte % ALPHABET.length];
    }
  }
  return code;
}

const keyed = (pepper: Buffer, which: string, code: string) =>
  hmacSha256(pepper).update(`invitation ${which}\0${code}`).digest();
