import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { hmacSha256 } from '../../hmac.ts';
import { Refusal } from '../http/refusal.ts';
import type { Position } from './order.ts';

/** What a `next` link carries: the search itself and where it goes on. */
export type Cursor = { parameters: (readonly [string, string])[]; after: Position };

/**
 * Seals cursors: a link shows neither what was searched for (it may be a name or a number, and addresses end up in logs)
 * nor can it be changed, so nobody can ask "what comes after" a row of their choice.
 * `about` ties one to where it was given: type and organisation.
 */
export function createCursors(encryptionKey: Buffer) {
  const key = hmacSha256(encryptionKey).update('fhir search cursor').digest();

  return {
    seal(cursor: Cursor, about: string): string {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([nonce, cipher.update(JSON.stringify(cursor), 'utf8'), cipher.final()]);
      return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
    },

    /** @throws {Refusal} for anything that was not sealed here for the same. */
    open(sealed: string, about: string): Cursor {
      const bytes = Buffer.from(sealed, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-16));
        const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString(
          'utf8',
        );
        return JSON.parse(text) as Cursor;
      } catch {
        throw new Refusal('cursor-invalid');
      }
    },
  };
}
