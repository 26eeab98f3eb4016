import { isNationalNumber, NATIONAL_SYSTEMS } from '../store/national-identifiers.ts';
import type { SentIdentifier } from './read-parameters.ts';

const SYSTEMS = [...NATIONAL_SYSTEMS];
const PLACES = new Map(SYSTEMS.map((system, at) => [system, at + 1]));

/** Why nothing is looked for under an identifier; it is the outcome of that identifier alone. */
export type Unusable = 'identifier-unsupported' | 'identifier-invalid';

export const UNUSABLE_WORDS: Record<Unusable, string> = {
  'identifier-unsupported': 'Not an NHS, CHI or Health and Care number',
  'identifier-invalid': 'Not of the form of such a number, or its check digit is wrong',
};

/**
 * Sorts identifiers into those that can be somebody's and those that cannot, and gives the values `$4` to `$7` of a
 * statement that looks the former up: a few plain texts, however many there are.
 */
export function nationalLookup(identifiers: readonly SentIdentifier[]) {
  const unusable = new Map<number, Unusable>();
  const rows: number[] = [];
  const systems: number[] = [];
  const values: string[] = [];
  for (let n = 0; n < identifiers.length; n++) {
    const { system, value } = identifiers[n]!;
    const place = PLACES.get(system);
    if (place === undefined) unusable.set(n, 'identifier-unsupported');
    else if (!isNationalNumber(value)) unusable.set(n, 'identifier-invalid');
    else {
      rows.push(n);
      systems.push(place);
      values.push(value);
    }
  }
  // Numbers and digits need no escaping.
  return { unusable, values: [SYSTEMS, ...[rows, systems, values].map((list) => `{${list.join(',')}}`)] };
}
