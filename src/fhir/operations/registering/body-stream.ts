import type { Readable } from 'node:stream';
import { Refusal } from '../../http/refusal.ts';

/** As much as a Bundle may have anywhere. */
const BYTES_MAX = 20 * 1024 * 1024;

/** A body that may come as a stream, as a whole. @throws {Refusal} when it is too large, or breaks off. */
export async function wholeBody(body: Buffer | Readable | undefined): Promise<Buffer | undefined> {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readable(body)) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new Refusal('body-too-large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The bytes of a stream; that it broke off is the caller's fault, not ours. */
export async function* readable(body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal('request-malformed', { text: 'The body broke off.' });
  }
}
