import { arrayLiteral } from '../store/array-literal.ts';
import { DECIDE, DECISION } from '../store/purview.ts';
import { type Asked, decidedBy, type Query } from '../store/query.ts';
import { createTogether } from '../store/together.ts';
import type { Place } from './conditions.ts';
import { COUNT_DEFAULT } from './parse-search.ts';
import { soughtKeys } from './sources.ts';
import {
  beforeId,
  filtersOf,
  nameOf,
  type PageAsked,
  pageText,
  type SearchRow,
  searchPage,
} from './statement.ts';

/** Searches for the first page, with the decision. */
export type SearchOne = (asked: Asked, page: PageAsked) => Promise<SearchRow>;

/**
 * Searches of one shape that the same token asks for at the same time, of one organisation and type, are one statement
 * with one decision for all (`createTogether`). For those that look at few rows.
 */
export function createSearchTogether(query: Query): SearchOne {
  const together = createTogether<Question, SearchRow>((questions) => searchAll(query, questions), {
    most: 16,
  });

  return async (asked, page) => {
    if (!isShort(page)) return first(await searchPage(query, asked, page));
    const values: Value[] = [];
    // An array of arrays must be a rectangle, so each of them travels as text.
    const place: Place = (value, type) =>
      type.endsWith('[]')
        ? `q.v${values.push({ value: arrayLiteral(value as unknown[]), type: 'text' })}::${type}`
        : `q.v${values.push({ value, type })}`;
    const text = pageText(page, filtersOf(page.search, place), SHARED, place);
    const name = `${decidedBy(asked)} ${page.search.count} ${page.base} ${text}`;
    return together(name, { asked, page, text, values });
  };
}

/** A page of usual length; one that is counted, or that goes on from another, has a statement to itself. */
const isShort = ({ search, after }: PageAsked): boolean =>
  after === null && !search.total && !search.onlyCount && search.count <= COUNT_DEFAULT;

type Value = { value: unknown; type: string };
type Question = { asked: Asked; page: PageAsked; text: string; values: Value[] };

const SHARED = { type: '$4::text', before: '$5::text', limit: '$6::integer', keys: '$7::text[]' };

async function searchAll(query: Query, questions: readonly Question[]): Promise<SearchRow[]> {
  const { asked, page, text, values } = questions[0]!;
  if (questions.length === 1) return searchPage(query, asked, page);
  const { type, count } = page.search;
  const shared = [type, beforeId(page), count, ...(soughtKeys(page.search) ? [keysOf(questions)] : [])];
  const columns = values
    .map((value, n) => `$${asked.length + shared.length + n + 1}::${value.type}[]`)
    .join(', ');
  const names = values.map((_, index) => `v${index + 1}`).join(', ');
  const statement = `
    select ${DECISION}, y.* from ${DECIDE} d
      left join lateral (
        select q.place, x.* from unnest(${columns}) with ordinality q(${names}, place)
          left join lateral (${text}) x on true
        offset 0) y on true`;
  const rows = await query<SearchRow & { place: number }>(nameOf(statement), statement, [
    ...asked,
    ...shared,
    ...values.map((_, index) => questions.map((question) => question.values[index]!.value)),
  ]);
  const placed: SearchRow[] = [];
  for (const row of rows) placed[row.place - 1] = row;
  return placed;
}

const keysOf = (questions: readonly Question[]): string[] =>
  questions.flatMap(({ page }) => soughtKeys(page.search) ?? []);

function first(rows: readonly SearchRow[]): SearchRow {
  const [row] = rows;
  if (!row) throw new Error('a statement came back without its decision');
  return row;
}
