import { isAscii } from 'node:buffer';
import { parseJson } from '../http/body.ts';
import type { Call } from '../http/call.ts';
import { checkSent } from '../http/formats.ts';
import { Refusal } from '../http/refusal.ts';

/**
 * A JSON body of thousands of entries. `printed`, with the decimals that were sent, is made when it is asked for: a list
 * of identifiers has none, and to look for them takes longer than all else about it.
 * @throws {Refusal} when it is not JSON in UTF-8, or does not say that it is
 */
export function sentBody(call: Pick<Call, 'headers' | 'body' | 'parsed'>) {
  const { parsed } = call;
  if (parsed) return { resource: parsed.resource, printed: () => parsed.printed };
  checkSent(call);
  if (!call.body || call.body.length === 0)
    throw new Refusal('body-malformed', { text: 'A body is needed.' });
  const text = textOf(call.body);
  let printed: { value: unknown } | undefined;
  try {
    const resource: unknown = JSON.parse(text);
    return {
      resource,
      printed() {
        printed ??= { value: parseJson(text).printed };
        return printed.value;
      },
    };
  } catch {
    // The parser's own message quotes the body.
    throw new Refusal('body-malformed');
  }
}

/** @throws {Refusal} when it is not UTF-8 */
export function textOf(body: Buffer | undefined): string {
  if (body && isAscii(body)) return body.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Refusal('body-malformed');
  }
}
