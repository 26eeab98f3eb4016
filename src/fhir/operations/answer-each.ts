import type { Answer } from '../http/answer.ts';
import { NATIONAL_SYSTEMS } from '../store/national-identifiers.ts';
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
  const counts = new Map<string, number>();
  const missed: string[] = [];
  const texts = identifiers.map((identifier, n) => {
    const { outcome, parts, patientId } = each(identifier, n);
    if (patientId) patients.add(patientId);
    else if (outcome === 'not-found' && NATIONAL_SYSTEMS.has(identifier.system))
      missed.push(identifier.value);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    return `{"name":"${name}","part":[${parts},{"name":"outcome","valueCode":"${outcome}"}]}`;
  });
  return {
    status: 200,
    body: `{"resourceType":"Parameters","parameter":[${texts.join(',')}]}`,
    patients: [...patients],
    missed,
    count: identifiers.length,
    detail: inWords(counts),
  };
}

/** `found 490, not-found 10`: for the audit record. */
export const inWords = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');

/** The identifier as it was sent. */
export function identifierPart(name: string, { system, value }: SentIdentifier): string {
  // An empty text is no FHIR value, and neither was one sent.
  const written = JSON.stringify({ system: system || undefined, value: value || undefined });
  return written === '{}' ? `{"name":"${name}"}` : `{"name":"${name}","valueIdentifier":${written}}`;
}

/** A part with a text for people. */
export const text = (name: string, value: string): string =>
  `{"name":"${name}","valueString":${JSON.stringify(value)}}`;
