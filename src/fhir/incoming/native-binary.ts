import { bodyOf } from '../http/body.ts';
import type { Call } from '../http/call.ts';
import { isFhirFormat } from '../http/formats.ts';
import { Refusal } from '../http/refusal.ts';
import type { JsonObject } from '../store/content.ts';

/**
 * The Binary that was sent, as JSON or as its content itself under the content's own type (R4 section 2.47.4); then
 * `X-Security-Context` names whose record it belongs to. A file need not grow by a third, nor be held as text first.
 * @throws {Refusal} as for any other body
 */
export function binaryOf(call: Call, id: string | undefined): { resource: unknown; printed: unknown } {
  const sent = call.headers['content-type'] ?? '';
  if (call.parsed || sent === '' || isFhirFormat(sent)) return bodyOf(call);
  if (!call.body || call.body.length === 0)
    throw new Refusal('body-malformed', { text: 'A body is needed.' });
  const context = call.headers['x-security-context'];
  const resource: JsonObject = {
    resourceType: 'Binary',
    ...(id !== undefined && { id }),
    contentType: sent.trim(),
    ...(typeof context === 'string' && { securityContext: { reference: context.trim() } }),
    data: call.body.toString('base64'),
  };
  return { resource, printed: resource };
}
