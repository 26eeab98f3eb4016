import type { Answer } from '../../http/answer.ts';
import type { Refusal } from '../../http/refusal.ts';
import { identifierPart, inWords, text } from '../answer-each.ts';
import type { Result } from './register-rows.ts';

/** How many rows had which outcome. */
export function countsOf(results: readonly Result[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}

/**
 * The Parameters that answer every row, in the order in which they were sent: its outcome, the patient, or what is wrong
 * and where. A summary goes first; `refusedOnly` leaves out the rows that went well.
 */
export function resultsAnswer(
  results: readonly Result[],
  { firstRow = 1, refusedOnly = false }: { firstRow?: number; refusedOnly?: boolean } = {},
): Answer {
  const counts = countsOf(results);
  const rows: string[] = [summaryText(results.length, counts)];
  const patients = new Set<string>();
  const missed: string[] = [];
  results.forEach((result, at) => {
    if (result.patientId) patients.add(result.patientId);
    else if (result.refusal) missed.push(...numbersOf(result));
    if (!refusedOnly || result.refusal) rows.push(rowText(result, firstRow + at));
  });
  return {
    status: 200,
    body: `{"resourceType":"Parameters","parameter":[${rows.join(',')}]}`,
    patients: [...patients],
    missed,
    count: results.length,
    detail: inWords(counts),
  };
}

/** `total` and how many rows had each outcome. */
export function summaryText(total: number, counts: ReadonlyMap<string, number>): string {
  const parts = [['total', total] as const, ...counts].map(
    ([name, count]) => `{"name":"${name}","valueUnsignedInt":${count}}`,
  );
  return `{"name":"summary","part":[${parts.join(',')}]}`;
}

const numbersOf = ({ sent }: Result): string[] => sent?.identity.identifiers.map(({ value }) => value) ?? [];

function rowText({ outcome, patientId, sent, refusal }: Result, row: number): string {
  const parts = [`{"name":"row","valuePositiveInt":${row}}`];
  const identifier = sent?.identity.identifiers[0];
  if (identifier) parts.push(identifierPart('patientIdentifier', identifier));
  parts.push(`{"name":"outcome","valueCode":"${outcome}"}`);
  if (refusal) parts.push(...refusalParts(refusal));
  else if (patientId) parts.push(`{"name":"patient","valueReference":{"reference":"Patient/${patientId}"}}`);
  return `{"name":"registration","part":[${parts.join(',')}]}`;
}

/** What is wrong, and where; a row with many faults is told the first few. */
function refusalParts({ text: words, issues }: Refusal): string[] {
  const said = [text('diagnostics', words)];
  for (const { diagnostics, expression } of issues.slice(0, 5)) {
    said.push(
      `{"name":"issue","part":[${text('diagnostics', diagnostics)}` +
        `${expression ? `,${text('expression', expression)}` : ''}]}`,
    );
  }
  return said;
}
