import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Message } from './message.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM: nonce, ciphertext, tag; bound to the message's id, so that none can be put in another's place. */
export function sealMessage(encryptionKey: Buffer, id: string, message: Message): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce).setAAD(Buffer.from(`mail ${id}`));
  return Buffer.concat([nonce, cipher.update(JSON.stringify(message)), cipher.final(), cipher.getAuthTag()]);
}

/** @throws when the sealed message was altered, or sealed for another id or with another key. */
export function openMessage(encryptionKey: Buffer, id: string, sealed: Buffer): Message {
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(`mail ${id}`)).setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return JSON.parse(text.toString());
}
