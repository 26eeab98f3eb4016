import { bodyOf } from '../http/body.ts';
import { type Call, decodedSegments, splitOnce } from '../http/call.ts';
import { Refusal, type RefusalIssue } from '../http/refusal.ts';
import { ownBases } from '../incoming/references.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';

export const ENTRIES_MAX = 1000;

export type Part = {
  /** As if the entry had been sent by itself. */
  call: Call;
  /** By which other entries of a transaction may refer to what this one makes. */
  fullUrl: string | undefined;
  /** Its place in the Bundle. */
  at: number;
};

export type Parts = { type: 'batch' | 'transaction'; parts: Part[] };

/** Takes a batch or transaction Bundle apart (R4 section 3.1.0.11). @throws {Refusal} naming the entries at fault. */
export function parseBundle(room: Room, call: Call): Parts {
  const { resource, printed } = bodyOf(call);
  const { resourceType, type, entry = [] } = (resource ?? {}) as JsonObject;
  if (resourceType !== 'Bundle' || (type !== 'batch' && type !== 'transaction') || !Array.isArray(entry)) {
    throw new Refusal('batch-invalid');
  }
  if (entry.length > ENTRIES_MAX) throw new Refusal('too-many');
  const printedEntries = (printed as { entry?: unknown[] }).entry ?? [];
  const bases = ownBases(room.context.baseUrl(), call);
  const issues: RefusalIssue[] = [];
  const parts = entry.flatMap((one, at) => {
    const part = partOf(call, bases, one, (printedEntries[at] as JsonObject | null)?.resource, at);
    if (typeof part !== 'string') return [part];
    issues.push({ code: 'invalid', diagnostics: part, expression: `Bundle.entry[${at}]` });
    return [];
  });
  const named = parts.flatMap(({ fullUrl }) => fullUrl ?? []);
  if (type === 'transaction' && new Set(named).size < named.length) {
    issues.push({
      code: 'invalid',
      diagnostics: 'Two entries have the same fullUrl',
      expression: 'Bundle.entry',
    });
  }
  if (issues.length > 0) throw new Refusal('batch-invalid', { issues: issues.slice(0, 50) });
  return { type, parts };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);

function partOf(
  call: Call,
  bases: readonly string[],
  entry: JsonObject | null,
  printed: unknown,
  at: number,
): Part | string {
  const request = entry?.request as JsonObject | undefined;
  const { method, url } = request ?? {};
  if (typeof method !== 'string' || !METHODS.has(method))
    return 'The request’s method is none of those supported';
  if (typeof url !== 'string') return 'The request has no url';
  const base = bases.find((one) => url.startsWith(one));
  const relative = base ? url.slice(base.length) : url.replace(/^\//, '');
  if (/^[a-z][a-z0-9+.-]*:/i.test(relative)) return 'The request’s url is not under this base';
  const writes = method === 'POST' || method === 'PUT';
  if (writes !== (entry?.resource !== undefined)) {
    return writes ? 'There is no resource to write' : 'A resource is given, but the method writes none';
  }
  const [path = '', query = ''] = splitOnce(relative, '?');
  const part: Call = {
    ...call,
    method,
    segments: decodedSegments(path),
    query,
    body: undefined,
    parsed: writes ? { resource: entry!.resource, printed } : undefined,
    headers: headersOf(call, request!),
  };
  return { call: part, fullUrl: typeof entry?.fullUrl === 'string' ? entry.fullUrl : undefined, at };
}

const CONDITIONS = {
  ifMatch: 'if-match',
  ifNoneMatch: 'if-none-match',
  ifModifiedSince: 'if-modified-since',
  ifNoneExist: 'if-none-exist',
} as const;

/** The caller's own token, and the entry's own conditions. */
function headersOf({ headers }: Call, request: JsonObject): Call['headers'] {
  const own: Call['headers'] = { authorization: headers.authorization, prefer: headers.prefer };
  for (const [name, header] of Object.entries(CONDITIONS)) {
    if (typeof request[name] === 'string') own[header] = request[name];
  }
  return own;
}
