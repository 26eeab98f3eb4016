import { createCipheriv, createDecipheriv } from 'node:crypto';

export type CipherName = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc';
export const KEY_BYTES: Record<CipherName, number> = {
  'aes-128-cbc': 16,
  'aes-192-cbc': 24,
  'aes-256-cbc': 32,
};
export const BLOCK_BYTES = 16;

export type CipherKey = { cipher: CipherName; key: Buffer; iv: Buffer };

/** AES-CBC with PKCS#7 padding (RFC 5652 section 6.3). The vector is fixed, as the clinical systems have it. */
export function encrypt({ cipher, key, iv }: CipherKey, text: string): Buffer {
  const encipher = createCipheriv(cipher, key, iv);
  return Buffer.concat([encipher.update(text, 'latin1'), encipher.final()]);
}

/**
 * The text, whether its padding was right, and whether it had a length that ciphertext can have. All blocks are
 * deciphered and a padding is looked at in every case, so that nobody learns from the time, or from an error of the
 * library, whether the padding of a forged text was right (Vaudenay's attack).
 */
export function decrypt({ cipher, key, iv }: CipherKey, bytes: Buffer | null) {
  const whole = bytes !== null && bytes.length > 0 && bytes.length % BLOCK_BYTES === 0;
  const decipher = createDecipheriv(cipher, key, iv).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(whole ? bytes : NOTHING), decipher.final()]);
  const { length, right } = withoutPadding(plain);
  return { text: plain.toString('latin1', 0, length), padded: right, whole };
}

const NOTHING = Buffer.alloc(BLOCK_BYTES);

/** Looks at the whole last block whatever it holds; no branch depends on it before the end. */
export function withoutPadding(plain: Buffer): { length: number; right: boolean } {
  const count = plain[plain.length - 1]!;
  let wrong = ((count - 1) >>> 31) | ((BLOCK_BYTES - count) >>> 31);
  for (let back = 1; back <= BLOCK_BYTES; back += 1) {
    const difference = plain[plain.length - back]! ^ count;
    const within = (back - 1 - count) >>> 31;
    wrong |= within & ((difference | -difference) >>> 31);
  }
  return { length: plain.length - (count & (wrong - 1)), right: wrong === 0 };
}
