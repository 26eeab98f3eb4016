import { Refusal } from '../http/refusal.ts';

/** The largest number that a `bigint` holds. */
const LAST = 2n ** 63n - 1n;
const KNOWN = ['eventsSinceNumber', 'eventsUntilNumber', 'content', '_format'];

/** Which events are meant, both ends included; without an end, all to there. As text, for they may be beyond a double. */
export function numbersIn(asked: ReadonlyMap<string, string>): { from: string; to: string } {
  for (const name of asked.keys()) {
    if (!KNOWN.includes(name)) throw invalid(`The parameters here are: ${KNOWN.slice(0, 3).join(', ')}`);
  }
  const from = numberOf(asked.get('eventsSinceNumber')) ?? 1n;
  const to = numberOf(asked.get('eventsUntilNumber')) ?? LAST;
  return { from: String(from), to: String(to) };
}

function numberOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,19}$/.test(text) ? BigInt(text) : LAST + 1n;
  if (number > LAST) throw invalid('The number of an event is a whole number, as event-number says it');
  return number;
}

export const invalid = (diagnostics: string): Refusal =>
  new Refusal('parameters-invalid', { issues: [{ code: 'value', diagnostics, expression: 'Parameters' }] });
