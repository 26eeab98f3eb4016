import { healthNumbersIn } from '../../audit/audit.ts';
import { isUuid } from '../../ids.ts';
import { type Call, decodedSegments, splitOnce } from './call.ts';
import { contextOf, isNative, NUMBERS_MAX, namedPatients, numbersAsked } from './named-patients.ts';
import { plainText } from './plain-text.ts';
import type { Pace } from './taking-turns.ts';

/**
 * Whom its body names: by numbers that stand as a value, of a patient, of a reference or in a list, and by references.
 * Read as text, not as JSON: what is refused may be neither well-formed nor small. All of it is read, so that nothing
 * can be hidden behind much of something else; each byte is looked at a fixed number of times, and others have their
 * turn whenever `pace` says so. Of each kind no more than five thousand are told.
 */
export async function namedInBody(call: Call, pace: Pace): Promise<{ numbers: string[]; ids: string[] }> {
  if (isNative(call))
    return { numbers: [], ids: [letterOf(contextOf(call))].filter((id) => id !== undefined) };
  const text = await plainText(bodyBytes(call), pace);
  const numbers = new Set<string>();
  const ids = new Set<string>();
  const isFile = call.segments[0] === 'Binary';
  await eachValue(text, '"value"', pace, (from) => {
    if (numbers.size < NUMBERS_MAX) for (const one of numbersAt(text, from)) numbers.add(one);
  });
  await eachValue(text, '"reference"', pace, (from) => {
    if (ids.size >= NUMBERS_MAX) return;
    const reference = referenceAt(text, from);
    const id = patientOf(reference) ?? (isFile ? letterOf(reference) : undefined);
    if (id !== undefined) ids.add(id);
  });
  if (call.segments.length === 0) {
    let addresses = 0;
    for (const name of ['"url"', '"ifNoneExist"']) {
      await eachValue(text, name, pace, (from) => {
        if (addresses++ >= NUMBERS_MAX) return;
        const entry = entryAt(call, text, from);
        for (const one of numbersAsked(entry)) numbers.add(one);
        for (const one of namedPatients(entry)) ids.add(one);
      });
    }
  }
  return { numbers: [...numbers].slice(0, NUMBERS_MAX), ids: [...ids].slice(0, NUMBERS_MAX) };
}

/** With the offset at which each string begins that is the value of the property `name`, which is in its quotes. */
async function eachValue(
  text: string,
  name: string,
  pace: Pace,
  seen: (from: number) => void,
): Promise<void> {
  let last = 0;
  // Its last quote may be the first of the next.
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length - 1)) {
    const turn = pace(at - last);
    if (turn) await turn;
    last = at;
    OPENS.lastIndex = at + name.length;
    if (OPENS.test(text)) seen(OPENS.lastIndex);
  }
}

// Sticky: they look no further than their own length.
const OPENS = / ?: ?"/y;
const NUMBER = /[\d -]{10,14}"/y;

function numbersAt(text: string, from: number): string[] {
  NUMBER.lastIndex = from;
  const [found] = NUMBER.exec(text) ?? [];
  return found ? healthNumbersIn(found.slice(0, -1)) : [];
}

/** The end of the longest reference there is: ids have 64 characters at most (R4 section 2.24.0.1). */
const TAIL_MAX = 'DocumentReference/'.length + 36 + '/_history/'.length + 64;
const PATIENT = /(?:^|\/)Patient\/([0-9a-f-]{36})(?:\/|$)/i;
const LETTER = /(?:^|\/)DocumentReference\/([0-9a-f-]{36})(?:\/|$)/;

function referenceAt(text: string, from: number): string {
  const quote = text.indexOf('"', from);
  const end = quote < 0 ? text.length : quote;
  // One more, to see that a slash stands before the type.
  return text.slice(Math.max(from, end - TAIL_MAX - 1), end);
}

const patientOf = (reference: string) => idIn(PATIENT.exec(reference)?.[1]?.toLowerCase());

/** The letter that a file belongs to: its patient finds the attempt by the ids of the letters (R4 section 2.47.3). */
const letterOf = (reference: string) => idIn(LETTER.exec(reference)?.[1]);

const idIn = (id: string | undefined) => (id !== undefined && isUuid(id) ? id : undefined);

const ADDRESS_MAX = 64 * 1024;

/**
 * Where an entry of a Bundle that could not be taken apart goes to, or on which condition. Of an address longer than any
 * that can be served only the beginning is looked at.
 */
function entryAt(call: Call, text: string, from: number): Call {
  const end = text.indexOf('"', from);
  const address = text.slice(from, Math.min(end < 0 ? text.length : end, from + ADDRESS_MAX));
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

function bodyBytes({ body, parsed }: Call): Buffer {
  if (parsed) return Buffer.from(JSON.stringify(parsed.resource) ?? '');
  // A stream that nobody has read yet holds what nobody was told.
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
