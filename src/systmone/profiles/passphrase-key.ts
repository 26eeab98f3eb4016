import { createHash } from 'node:crypto';
import { BLOCK_BYTES, type CipherKey, KEY_BYTES } from './aes-cbc.ts';

/**
 * Key and vector from a passphrase as OpenSSL's EVP_BytesToKey makes them with MD5, one round and no salt: what
 * SIDeR's query string obfuscation uses. No way to keep a secret that people chose, so ours are long and random.
 */
export function keyOfPassphrase(passphrase: string): CipherKey {
  const cipher = 'aes-256-cbc';
  const wanted = KEY_BYTES[cipher] + BLOCK_BYTES;
  let made = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  while (made.length < wanted) {
    last = createHash('md5').update(last).update(passphrase, 'latin1').digest();
    made = Buffer.concat([made, last]);
  }
  return { cipher, key: made.subarray(0, KEY_BYTES[cipher]), iv: made.subarray(KEY_BYTES[cipher], wanted) };
}
