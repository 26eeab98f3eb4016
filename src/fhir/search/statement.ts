import { createHash } from 'node:crypto';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import type { Asked, Query } from '../store/query.ts';
import { conditionText, type Place } from './conditions.ts';
import { afterText, orderOf, type Position } from './order.ts';
import type { Search } from './parse-search.ts';
import { soughtKeys, sourcesOf } from './sources.ts';
import { isWalk, WALK_KEYS, walkText } from './walk.ts';

export type SearchRow = DecisionRow & {
  /** Bundle entries as JSON text, without the brackets; null when there are none. */
  entries: string | null;
  matched: number;
  more: boolean;
  /** Of each entry that is about one. */
  patients: string[] | null;
  /** The key of the last entry of a full page. */
  last: string[] | null;
  total?: number;
};

/**
 * One statement for a page: decision, purview, search, count and the entries' text together. Its text depends on the
 * shape of the search alone; whatever the caller sent is a value.
 */
export async function searchPage(query: Query, asked: Asked, page: PageAsked): Promise<SearchRow[]> {
  const values: unknown[] = [...asked];
  const place: Place = (value, type) => `$${values.push(value)}::${type}`;
  const text = statementText(page, place);
  return query<SearchRow>(nameOf(text), text, values);
}

export type PageAsked = { search: Search; base: string; after: Position | null };

function statementText(page: PageAsked, place: Place): string {
  const { search } = page;
  const type = place(search.type, 'text');
  const filters = filtersOf(search, place);
  const sought = soughtKeys(search);
  const keys = sought ? place(sought, 'text[]') : '';
  const counted = search.total || search.onlyCount ? totalText(search, type, filters, keys, place) : '';
  if (search.onlyCount) {
    return `select ${DECISION}, null as entries, 0 as matched, false as more, t.total from ${DECIDE} d ${counted}`;
  }
  const shared = {
    type,
    before: place(beforeId(page), 'text'),
    limit: place(search.count, 'integer'),
    keys,
  };
  return `select ${DECISION}, x.*${counted && ', t.total'} from ${DECIDE} d
    left join lateral (${pageText(page, filters, shared, place)}) x on true ${counted}`;
}

/** Places of what all searches that share a statement have in common; `keys` are the identifiers of all of them. */
export type SharedPlaces = { type: string; before: string; limit: string; keys: string };

/** What stands before the id in each entry. */
export const beforeId = ({ search, base }: PageAsked): string => `{"fullUrl":"${base}/${search.type}/`;

/** A page of the decision `d`, as one row. The page comes in its order, and nothing here asks for another. */
export function pageText(
  { search, after }: PageAsked,
  filters: readonly string[],
  { type, before, limit, keys }: SharedPlaces,
  place: Place,
): string {
  const { page, keys: columns } = pageOf(search, type, filters, after, { limit, keys }, place);
  const key = Array.from({ length: columns }, (_, n) => `k${n}::text`).join(', ');
  const entry = `(${before} || id || '","resource":') || content || ',"search":{"mode":"match"}}'`;
  return `
    select string_agg(${entry}, ',') filter (where n <= ${limit}) as entries,
           count(*) filter (where n <= ${limit})::integer as matched, count(*) > ${limit} as more,
           array_agg(patient_id) filter (where n <= ${limit} and patient_id is not null) as patients,
           max(array[${key}]) filter (where n = ${limit}) as last
      from (select p.*, row_number() over () as n from (${page}) p) numbered
    offset 0`;
}

/** Conditions on entries that must all be there are one, so that many searches are one statement. */
export function filtersOf({ conditions }: Search, place: Place): string[] {
  const must: string[] = [];
  const others = conditions.filter((condition) => {
    const single =
      condition.kind === 'tokens' &&
      condition.column === 'tokens' &&
      !condition.not &&
      condition.anyOf.length === 1;
    if (single) must.push(condition.anyOf[0]!);
    return !single;
  });
  const texts = others.map((condition) => conditionText(condition, place));
  return must.length > 0 ? [`r.tokens @> ${place(must, 'text[]')}`, ...texts] : texts;
}

function pageOf(
  search: Search,
  type: string,
  filters: readonly string[],
  after: Position | null,
  { limit, keys: identified }: { limit: string; keys: string },
  place: Place,
): { page: string; keys: number } {
  if (isWalk(search)) return { page: walkText(search, type, filters, after, limit, place), keys: WALK_KEYS };
  const order = orderOf(search);
  const cut = afterText(order, after, place);
  const sorted = order.keys.map((key) => `${key} ${order.direction}`).join(', ');
  const columns = order.keys.map((key, n) => `${key} as k${n}`).join(', ');
  const pages = sourcesOf(search, type, identified, place).map(
    (
      source,
    ) => `select r.id, r.patient_id, r.content, ${columns} ${[source, ...filters].join('\n and ')}${cut}
      order by ${sorted} limit ${limit} + 1`,
  );
  const keys = order.keys.length;
  if (pages.length === 1) return { page: pages[0]!, keys };
  const merged = order.keys.map((_, n) => `k${n} ${order.direction}`).join(', ');
  return {
    page: `select u.* from (${pages.map((page) => `(${page})`).join(' union all ')}) u order by ${merged} limit ${limit} + 1`,
    keys,
  };
}

function totalText(
  search: Search,
  type: string,
  filters: readonly string[],
  keys: string,
  place: Place,
): string {
  const counts = sourcesOf(search, type, keys, place).map(
    (source) => `(select count(*) ${[source, ...filters].join('\n and ')})`,
  );
  return `left join lateral (select (${counts.join(' + ')})::integer as total offset 0) t on true`;
}

/** Prepared under a name that follows from the text. */
export const nameOf = (text: string) =>
  `fhir-search-${createHash('sha256').update(text).digest('hex').slice(0, 20)}`;
