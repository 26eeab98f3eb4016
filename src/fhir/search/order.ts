import { neverBelongsToPatient } from '../search-index/patient-of.ts';
import type { Place } from './conditions.ts';
import type { Search } from './parse-search.ts';

/** Where a page begins: after the row with this key. */
export type Position = readonly string[];

export type Order = { keys: string[]; types: string[]; direction: 'asc' | 'desc' };

/**
 * The order of a search. Each ends in the id, so that a page can be cut anywhere, and rows that are written meanwhile
 * are neither lost nor doubled.
 */
export function orderOf({ sort, type, patients, ids, identified, people, since }: Search): Order {
  const direction = (sort?.startsWith('-') ?? true) ? 'desc' : 'asc';
  if (sort?.endsWith('_lastUpdated') || (!sort && neverBelongsToPatient(type))) {
    return { keys: ['r.updated_at', 'r.id'], types: ['timestamptz', 'uuid'], direction };
  }
  if (sort || patients) return { keys: ['r.sort_from', 'r.id'], types: ['timestamptz', 'uuid'], direction };
  if (ids || identified || people) return { keys: ['r.id'], types: ['uuid'], direction: 'asc' };
  // Who asks for what is new wants to go on from there.
  if (since) return { keys: ['r.updated_at', 'r.id'], types: ['timestamptz', 'uuid'], direction: 'asc' };
  return { keys: ['r.route', 'r.id'], types: ['integer', 'uuid'], direction: 'asc' };
}

/** What comes after a position, as a condition that an index on the keys can begin at. */
export function afterText({ keys, types, direction }: Order, after: Position | null, place: Place): string {
  if (!after) return '';
  const values = types.map((type, index) => place(after[index] ?? null, type));
  return ` and (${keys.join(', ')}) ${direction === 'asc' ? '>' : '<'} (${values.join(', ')})`;
}
