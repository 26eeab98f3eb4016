import type { Answer } from '../http/answer.ts';
import { NATIONAL_SYSTEMS } from '../store/national-identifiers.ts';
import { longText } from './long-text.ts';
import type { SentIdentifier } from './read-parameters.ts';

/** What came of one identifier: a stable code, the parts that say more (JSON text), and whose data it is. */
export type Each = { outcome: string; parts: string; patientId?: string };

/**
 * The Parameters that answer every identifier, in the order in which they were sent and as often, each with its
 * `outcome`. The audit record gets the patients and how many had which outcome.
 */
export function answerEach(
  name: string,
  identifiers: readonly SentIdentifier[],
  each: (identifier: SentIdentifier, n: number) => Each,
): Answer {
  const patients = new Set<string>();
  const missed: string[] = [];
  const counts: Record<string, number> = {};
  const begin = `{"name":"${name}","part":[`;
  const body = longText(identifiers.length, ENTRY_BYTES);
  body.add('{"resourceType":"Parameters","parameter":[');
  for (let n = 0; n < identifiers.length; n++) {
    const identifier = identifiers[n]!;
    const { outcome, parts, patientId } = each(identifier, n);
    if (patientId) patients.add(patientId);
    else if (outcome === 'not-found' && NATIONAL_SYSTEMS.has(identifier.system))
      missed.push(identifier.value);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    body.add(`${n === 0 ? '' : ','}${begin}${parts},{"name":"outcome","valueCode":"${outcome}"}]}`);
  }
  body.add(']}');
  return {
    status: 200,
    body: body.bytes(),
    patients: [...patients],
    missed,
    count: identifiers.length,
    detail: inWords(new Map(Object.entries(counts))),
  };
}

const ENTRY_BYTES = 400;

/** `found 490, not-found 10`: for the audit record. */
export const inWords = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');

/** The identifier as it was sent. */
export const identifierPart = (name: string, identifier: SentIdentifier): string =>
  identifierWriter(name)(identifier);

/** The same for many, most of which share their system. */
export function identifierWriter(name: string): (identifier: SentIdentifier) => string {
  let last: string | undefined;
  let beginning = '';
  return ({ system, value }) => {
    // An empty text is no FHIR value, and neither was one sent.
    if (!system || !value) return `{"name":"${name}"${unfinished(system, value)}}`;
    if (system !== last) {
      last = system;
      beginning = `{"name":"${name}","valueIdentifier":{"system":${JSON.stringify(system)},"value":`;
    }
    return `${beginning}${JSON.stringify(value)}}}`;
  };
}

function unfinished(system: string, value: string): string {
  if (!system && !value) return '';
  return `,"valueIdentifier":${JSON.stringify({ system: system || undefined, value: value || undefined })}`;
}

/** A part with a text for people. */
export const text = (name: string, value: string): string =>
  `{"name":"${name}","valueString":${JSON.stringify(value)}}`;
