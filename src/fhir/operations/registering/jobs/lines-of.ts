import type { Readable } from 'node:stream';
import { Refusal } from '../../../http/refusal.ts';
import { readable } from '../body-stream.ts';

/** What one registration may have in all, and in one line. */
const BYTES_MAX = 1024 * 1024 * 1024;
const LINE_LENGTH_MAX = 1_000_000;

/** The lines of a body as they come, without those that are blank. @throws {Refusal} when it is too large or not UTF-8 */
export async function* linesOf(
  body: Buffer | Readable | undefined,
  seen: (bytes: Buffer) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  let rest = '';
  for await (const chunk of chunksOf(body)) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new Refusal('body-too-large');
    seen(chunk);
    const lines = (rest + decoded(() => decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_LENGTH_MAX) throw new Refusal('body-too-large', { text: 'A line is too long.' });
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  rest += decoded(() => decoder.decode());
  if (rest.trim() !== '') yield rest;
}

async function* chunksOf(body: Buffer | Readable | undefined): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(body)) yield body;
  else if (body) yield* readable(body);
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw new Refusal('body-malformed');
  }
}
