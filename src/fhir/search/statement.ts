import { createHash } from 'node:crypto';
import { routeOf } from '../../ids.ts';
import { neverBelongsToPatient } from '../search-index/patient-of.ts';
import { DECIDE, DECISION, type DecisionRow, purviewOf, sharedWith } from '../store/purview.ts';
import type { Asked, Query } from '../store/query.ts';
import { conditionText, type Place } from './conditions.ts';
import type { Search } from './parse-search.ts';

export type SearchRow = DecisionRow & {
  /** Bundle entries as JSON text, without the brackets; null when there are none. */
  entries: string | null;
  matched: number;
  more: boolean;
  patients: string[] | null;
  last: string[] | null;
  total: number | null;
};

/** Where a page begins: after the row with this key, in the order that `orderOf` gives. */
export type Position = readonly string[];

/**
 * One statement for a page: decision, purview, search, count and the entries' text together. Its text depends on the
 * shape of the search alone; whatever the caller sent is a value.
 */
export async function searchPage(
  query: Query,
  asked: Asked,
  search: Search,
  base: string,
  after: Position | null,
): Promise<SearchRow[]> {
  const values: unknown[] = [...asked];
  const place: Place = (value, type) => `$${values.push(value)}::${type}`;
  const text = statementText(search, base, after, place);
  return query<SearchRow>(nameOf(text), text, values);
}

function statementText(search: Search, base: string, after: Position | null, place: Place): string {
  const type = place(search.type, 'text');
  const filters = search.conditions.map((condition) => conditionText(condition, place));
  const branches = branchesOf(search, type, place).map((source) => [source, ...filters].join('\n and '));
  const total = search.total || search.onlyCount ? totalText(branches) : 'select null::integer as total';
  if (search.onlyCount) {
    return `select ${DECISION}, null as entries, 0 as matched, false as more, t.* from ${DECIDE} d
      left join lateral (${total} offset 0) t on true`;
  }
  const order = orderOf(search);
  const limit = place(search.count, 'integer');
  const cut = after
    ? ` and (${order.keys.join(', ')}) ${order.sign} (${positionOf(order, after, place)})`
    : '';
  const sorted = order.keys.map((key) => `${key} ${order.direction}`).join(', ');
  const pages = branches.map(
    (branch) =>
      `(select r.id, r.type, r.patient_id, r.content, ${order.keys.map((key, n) => `${key} as k${n}`).join(', ')}
        ${branch}${cut} order by ${sorted} limit ${limit} + 1)`,
  );
  const outer = order.keys.map((_, n) => `k${n} ${order.direction}`).join(', ');
  const keys = order.keys.map((_, n) => `k${n}::text`).join(', ');
  const entry = `'{"fullUrl":"' || ${place(base, 'text')} || '/' || type || '/' || id || '","resource":' || content
    || ',"search":{"mode":"match"}}'`;
  return `select ${DECISION}, x.*, t.* from ${DECIDE} d
    left join lateral (
      select string_agg(${entry}, ',' order by n) filter (where n <= ${limit}) as entries,
             count(*) filter (where n <= ${limit})::integer as matched, count(*) > ${limit} as more,
             array_agg(distinct patient_id) filter (where n <= ${limit} and patient_id is not null) as patients,
             (array_agg(array[${keys}]) filter (where n = ${limit}))[1:1] as last
        from (select p.*, row_number() over (order by ${outer}) as n
                from (select u.* from (${pages.join(' union all ')}) u order by ${outer} limit ${limit} + 1) p) page
      offset 0) x on true
    left join lateral (${total} offset 0) t on true`;
}

/**
 * The places to look, each `from … where` the purview: `g` is the registration that lets the row `r` be seen. They do
 * not overlap.
 */
function branchesOf(search: Search, type: string, place: Place): string[] {
  const allowed = `d.outcome = 'allowed' and r.type = ${type}`;
  if (search.ids) {
    const [routes, ids] = keysOf(search.ids, place);
    return [
      `from unnest(${routes}, ${ids}) k(route, id) join resource r on r.route = k.route and r.id = k.id
        where ${allowed} and ${purviewOf('r')}`,
    ];
  }
  if (search.identified) {
    return [
      `from fhir_identified(${type}, ${place(search.identified, 'text[]')}) k
         join resource r on r.route = k.route and r.id = k.id where ${allowed} and ${purviewOf('r')}`,
    ];
  }
  const registered = `g.organisation_id = d.organisation_id and (d.teams is null or g.teams && d.teams)
    and (d.labels >> r.label) & 1 = 1 and ${sharedWith('r')}`;
  const own = `from resource r where ${allowed} and r.patient_id is null and r.organisation_id = d.organisation_id
    and (d.labels >> r.label) & 1 = 1`;
  if (search.type === 'Patient') {
    return [
      `from registration g join resource r on r.route = g.route and r.id = g.patient_id
        where ${allowed} and ${registered}`,
    ];
  }
  const theirs = 'join resource r on r.route = g.route and r.patient_id = g.patient_id';
  if (search.patients) {
    const [routes, ids] = keysOf(search.patients, place);
    const scoped = `from unnest(${routes}, ${ids}) k(route, id)
      join registration g on g.route = k.route and g.patient_id = k.id ${theirs} where ${allowed} and ${registered}`;
    return search.alsoOwn ? [scoped, own] : [scoped];
  }
  if (neverBelongsToPatient(search.type)) return [own];
  return [`from registration g ${theirs} where ${allowed} and ${registered}`, own];
}

function keysOf(ids: readonly string[], place: Place): [string, string] {
  return [place(ids.map(routeOf), 'integer[]'), place(ids, 'uuid[]')];
}

type Order = { keys: string[]; types: string[]; direction: 'asc' | 'desc'; sign: '<' | '>' };

/** Every order ends in the id, so that a page can be cut anywhere and rows written meanwhile are neither lost nor doubled. */
function orderOf({ sort, type, patients, ids, identified }: Search): Order {
  const descending = sort?.startsWith('-') ?? true;
  const direction = descending ? 'desc' : 'asc';
  const sign = descending ? '<' : '>';
  if (sort?.endsWith('_lastUpdated') || (!sort && neverBelongsToPatient(type))) {
    return { keys: ['r.updated_at', 'r.id'], types: ['timestamptz', 'uuid'], direction, sign };
  }
  if (sort || patients) {
    return { keys: ['r.sort_from', 'r.id'], types: ['timestamptz', 'uuid'], direction, sign };
  }
  // As the registrations lie, so that the first page of everything needs no more than the first few.
  const owner = type === 'Patient' || ids || identified ? 'r.id' : 'r.patient_id';
  if (owner === 'r.id')
    return { keys: ['r.route', 'r.id'], types: ['integer', 'uuid'], direction: 'asc', sign: '>' };
  return {
    keys: ['r.route', 'coalesce(r.patient_id, r.organisation_id)', 'r.id'],
    types: ['integer', 'uuid', 'uuid'],
    direction: 'asc',
    sign: '>',
  };
}

function positionOf({ types }: Order, after: Position, place: Place): string {
  return types.map((type, index) => place(after[index] ?? null, type)).join(', ');
}

function totalText(branches: readonly string[]): string {
  const counts = branches.map((branch) => `(select count(*) ${branch})`);
  return `select (${counts.join(' + ')})::integer as total`;
}

/** Prepared under a name that follows from the text. */
const nameOf = (text: string) =>
  `fhir-search-${createHash('sha256').update(text).digest('hex').slice(0, 20)}`;
