import { healthNumbersIn } from '../../audit/audit.ts';
import { isUuid } from '../../ids.ts';
import { type Call, decodedSegments, parametersOf, splitOnce } from './call.ts';
import { isFhirFormat } from './formats.ts';

const NAMED_MAX = 20;
/** As many as any list may hold. */
const NUMBERS_MAX = 5000;

/**
 * The patients whom a request names by id, for the audit record: one that was refused, or found nothing, is shown to
 * them as an attempt. Whether there are such patients is not looked up, so that an answer costs and tells nothing more.
 */
export function namedPatients(call: Call): string[] {
  const [type, id] = call.segments;
  const ids = new Set<string>();
  for (const [name, value] of askedOf(call)) {
    const own = name === '_id' && type === 'Patient';
    if (!own && !/^(patient|subject)(:Patient)?$/.test(name)) continue;
    for (const one of value.split(',', NAMED_MAX)) {
      // An id, a reference, or a reference by its whole address (R4 section 3.1.1.4.12).
      const named = /^(?:(?:.*\/)?Patient\/)?([^/]+)$/.exec(one)?.[1] ?? '';
      if (isUuid(named)) ids.add(named);
    }
  }
  if (type === 'Patient' && id !== undefined && isUuid(id)) ids.add(id);
  const context = /^(?:.*\/)?Patient\/([^/]+)/.exec(contextOf(call))?.[1] ?? '';
  if (isUuid(context)) ids.add(context);
  return [...ids].slice(0, NAMED_MAX);
}

/** The national numbers that a request names where it says what it is about: in its address, form and conditions. */
export function numbersAsked(call: Call): string[] {
  const { segments, headers } = call;
  const values = askedOf(call).map(([, value]) => value);
  return distinct([...segments, ...values, String(headers['if-none-exist'] ?? '')].flatMap(healthNumbersIn));
}

/**
 * Whom its body names: by numbers that stand as a value, of a patient, of a reference or in a list, and by references.
 * Read as text, not as JSON: what is refused may be neither well-formed nor small.
 */
export function namedInBody(call: Call): { numbers: string[]; ids: string[] } {
  if (isNative(call)) return { numbers: [], ids: lettersIn(`"reference":"${contextOf(call)}"`) };
  // An escape hides no digit and no name.
  const text = bodyText(call)
    .replace(ESCAPED, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('\\/', '/');
  const numbers = [...text.matchAll(/"value"\s*:\s*"([\d -]{10,14})"/g)].flatMap(([, one]) =>
    healthNumbersIn(one!),
  );
  const ids = [...text.matchAll(/"reference"\s*:\s*"(?:[^"]*\/)?Patient\/([0-9a-f-]{36})["/]/gi)]
    .map(([, one]) => one!.toLowerCase())
    .filter(isUuid);
  const entries =
    call.segments.length === 0 ? addressesIn(text).map((address) => entryAt(call, address)) : [];
  return {
    numbers: distinct([...numbers, ...entries.flatMap(numbersAsked)]),
    ids: distinct([
      ...ids,
      ...entries.flatMap(namedPatients),
      ...(call.segments[0] === 'Binary' ? lettersIn(text) : []),
    ]),
  };
}

/** The letters that a file belongs to: their patient finds them by the ids of the letters (R4 section 2.47.3). */
const lettersIn = (text: string): string[] =>
  [...text.matchAll(/"reference"\s*:\s*"(?:[^"]*\/)?DocumentReference\/([0-9a-f-]{36})["/]/g)]
    .map(([, one]) => one!)
    .filter(isUuid);

/** Where the entries of a Bundle that could not be taken apart go to, and on which conditions. */
const addressesIn = (text: string): string[] =>
  [...text.matchAll(/"(?:url|ifNoneExist)"\s*:\s*"([^"]*)"/g)].map(([, one]) => one!).slice(0, NUMBERS_MAX);

function entryAt(call: Call, address: string): Call {
  const [path = '', query] = splitOnce(address.replace(/^.*\/fhir\/R4\//, ''), '?');
  // A condition is a query by itself.
  const whole = query === undefined && path.includes('=') ? path : (query ?? '');
  return {
    ...call,
    method: 'GET',
    segments: decodedSegments(path),
    query: whole,
    headers: {},
    body: undefined,
  };
}

/** `X-Security-Context` of a file that is sent as it is (R4 section 2.47.4). */
function contextOf(call: Call): string {
  const context = call.headers['x-security-context'];
  return isNative(call) && typeof context === 'string' ? context.trim() : '';
}

/** A file is no FHIR: what stands in it names nobody. */
function isNative({ segments, headers, parsed }: Call): boolean {
  const sent = headers['content-type'] ?? '';
  return segments[0] === 'Binary' && parsed === undefined && sent !== '' && !isFhirFormat(sent);
}

const ESCAPED = /\\u00([2-7][0-9a-f])/gi;
const distinct = (named: string[]): string[] => [...new Set(named)].slice(0, NUMBERS_MAX);

function bodyText({ body, parsed }: Call): string {
  if (parsed) return JSON.stringify(parsed.resource) ?? '';
  // A stream that nobody has read yet holds what nobody was told.
  return Buffer.isBuffer(body) ? body.toString('latin1') : '';
}

function askedOf(call: Call): [string, string][] {
  try {
    return parametersOf(call);
  } catch {
    return [...new URLSearchParams(call.query)];
  }
}
