import { parseJson } from '../../http/body.ts';
import type { Call } from '../../http/call.ts';
import { Refusal } from '../../http/refusal.ts';
import type { JsonObject } from '../../store/content.ts';
import { sentBody, textOf } from '../sent-body.ts';
import type { Sent } from './registrant.ts';

/** One row of what was sent: a resource, or why it is none. */
export type SentRow = Sent | Refusal;

const NDJSON = new Set(['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson']);

/** Whether the body says that it is newline-delimited JSON, one resource a line. */
export function isNdjson({ headers }: Pick<Call, 'headers'>): boolean {
  return NDJSON.has((headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase());
}

/**
 * The rows of a body that is here as a whole: the lines of NDJSON, else the entries of a Bundle.
 * @throws {Refusal} when it is neither, or holds none or too many
 */
export function rowsOfBody(call: Pick<Call, 'headers' | 'body' | 'parsed'>, max: number): SentRow[] {
  const rows = !call.parsed && isNdjson(call) ? rowsOfLines(textOf(call.body), max) : rowsOfBundle(call, max);
  if (rows.length === 0) {
    throw new Refusal('parameters-invalid', { text: `At least one patient is needed, and at most ${max}.` });
  }
  return rows;
}

/** @throws {Refusal} when there are more than `max` */
export function rowsOfLines(text: string, max: number): SentRow[] {
  const rows: SentRow[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    if (rows.length === max) throw tooMany(max);
    rows.push(rowOfLine(line));
  }
  return rows;
}

function rowOfLine(line: string): SentRow {
  try {
    return { resource: JSON.parse(line), printed: () => parseJson(line).printed };
  } catch {
    return new Refusal('body-malformed', { text: 'This line is not well-formed JSON.' });
  }
}

function rowsOfBundle(call: Pick<Call, 'headers' | 'body' | 'parsed'>, max: number): SentRow[] {
  const { resource, printed } = sentBody(call);
  const { resourceType, type, entry = [] } = (resource ?? {}) as JsonObject;
  if (resourceType !== 'Bundle' || !TYPES.has(type as string) || !Array.isArray(entry)) {
    throw new Refusal('parameters-invalid', {
      text: 'Send a Bundle of type collection, batch or transaction, or NDJSON (application/fhir+ndjson).',
    });
  }
  if (entry.length > max) throw tooMany(max);
  return entry.map((one: JsonObject | null, at) => {
    const method = (one?.request as JsonObject | undefined)?.method;
    return method === undefined || method === 'POST' || method === 'PUT'
      ? {
          resource: one?.resource,
          printed: () => (printed() as { entry: (JsonObject | null)[] }).entry[at]?.resource,
        }
      : new Refusal('batch-invalid', {
          text: 'Patients are registered by POST or PUT, if a method is given.',
        });
  });
}

const TYPES = new Set(['collection', 'batch', 'transaction']);

const tooMany = (max: number) =>
  new Refusal('too-many', {
    text: `At most ${max} patients are registered at once: send several requests, or send NDJSON with "Prefer: respond-async".`,
  });
