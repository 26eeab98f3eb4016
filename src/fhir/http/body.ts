import type { JsonObject } from '../store/content.ts';
import type { Call } from './call.ts';
import { checkSent } from './formats.ts';
import { Refusal } from './refusal.ts';

/** A body as it is checked and indexed, and as it is printed: with the decimals that were sent (R4 section 2.24.0.1). */
export type Body = { resource: unknown; printed: unknown };

/** Parses a JSON body. @throws {Refusal} when it is not JSON in UTF-8, or does not say that it is. */
export function bodyOf(call: Pick<Call, 'headers' | 'body' | 'parsed'>): Body {
  if (call.parsed) return call.parsed;
  checkSent(call);
  if (!call.body || call.body.length === 0)
    throw new Refusal('body-malformed', { text: 'A body is needed.' });
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(call.body));
  } catch {
    // The parser's own message quotes the body.
    throw new Refusal('body-malformed');
  }
}

/** The same of a text. @throws {SyntaxError} */
export function parseJson(text: string): Body {
  const resource = JSON.parse(text);
  return { resource, printed: LOSSY.test(text) ? (JSON.parse(text, keepNumbers) as JsonObject) : resource };
}

/**
 * A number that a double would print in another way: 1.0, 1e3, -0, 0.0000001, sixteen digits. A number stands behind one
 * of these signs; text may look so too, no harm, but the dates and ids that every resource holds do not.
 */
const LOSSY = /[\s:,[]-?(?:\d+\.\d*0(?!\d)|\d+(?:\.\d+)?[eE]|[\d.]{16}|\d+\.\d{7})|[\s:,[]-0|^-?\d/;

type RawJson = { rawJSON(text: string): unknown };

function keepNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value;
  return (JSON as unknown as RawJson).rawJSON(source);
}
