import { timingSafeEqual } from 'node:crypto';
import { hmacSha256 } from '../hmac.ts';

/**
 * Signs short values that travel through a browser (cookies, tokens) with HMAC-SHA-256.
 * `purpose` keeps a value signed for one use from being accepted for another.
 */
export function createSigner(key: Buffer, purpose: string) {
  const mac = (value: string) => hmacSha256(key).update(`${purpose}\0${value}`).digest('base64url');
  return {
    mac,
    sign: (value: string): string => `${value}.${mac(value)}`,
    /** The value when its signature is right, else null. */
    open(signed: string | undefined): string | null {
      const cut = signed?.lastIndexOf('.') ?? -1;
      if (!signed || cut < 0) return null;
      const value = signed.slice(0, cut);
      return sameText(signed.slice(cut + 1), mac(value)) ? value : null;
    },
  };
}

/** Compares two strings without telling, by time, where they differ. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

export type Signer = ReturnType<typeof createSigner>;
