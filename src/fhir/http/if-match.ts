import type { Call } from './call.ts';
import { Refusal } from './refusal.ts';

/** The version that `If-Match` asks for (R4 section 3.1.0.5.2); null without the header. */
export function ifMatchOf({ headers }: Pick<Call, 'headers'>): number | null {
  const tag = headers['if-match'];
  if (tag === undefined) return null;
  const version = /^(?:W\/)?"([1-9]\d{0,8})"$/.exec(tag.trim())?.[1];
  if (!version) throw new Refusal('request-malformed', { text: 'If-Match is one ETag, such as W/"3".' });
  return Number(version);
}
