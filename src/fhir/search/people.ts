import type { Search } from './parse-search.ts';

/** What fhir_person_keys() keeps of a name (migration 0004). */
const NAMES = new Set(['family', 'given', 'name']);
const LETTERS = 3;

const DAY_MS = 86_400_000;

/**
 * The keys of the index on people that a search for patients implies: the first letters of a name that must begin so,
 * the day of birth. Null when there are none. The conditions stay: this can only leave out who cannot match.
 */
export function peopleKeys({ type, conditions }: Pick<Search, 'type' | 'conditions'>): string[] | null {
  if (type !== 'Patient') return null;
  const keys = conditions.flatMap((condition) => {
    if (condition.kind !== 'strings' && condition.kind !== 'main-date') return [];
    const [only, ...others] = condition.anyOf;
    if (only === undefined || others.length > 0) return [];
    if ('match' in only) return only.match === 'starts' ? nameKey(only.entry) : [];
    const isDay = only.prefix === 'eq' && Date.parse(only.to) - Date.parse(only.from) === DAY_MS;
    return isDay && only.from.endsWith('T00:00:00.000Z') ? [`birthdate=${only.from.slice(0, 10)}`] : [];
  });
  return keys.length > 0 ? [...new Set(keys)] : null;
}

/** Letters are counted as PostgreSQL counts them: by code point. */
function nameKey(entry: string): string[] {
  const at = entry.indexOf('=');
  const letters = [...entry.slice(at + 1)];
  const known = NAMES.has(entry.slice(0, at)) && letters.length >= LETTERS;
  return known ? [entry.slice(0, at + 1) + letters.slice(0, LETTERS).join('')] : [];
}
