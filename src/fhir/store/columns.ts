import { arrayLiteral } from './array-literal.ts';
import type { Row } from './row.ts';

/** Every column of `resource`: its type, and what a row has in it. Arrays of a row travel as text (`arrayLiteral`). */
export const COLUMNS = {
  route: ['integer', (row: Row) => row.route],
  id: ['uuid', (row: Row) => row.id],
  type: ['text', (row: Row) => row.type],
  patient_id: ['uuid', (row: Row) => row.patientId],
  organisation_id: ['uuid', (row: Row) => row.organisationId],
  label: ['smallint', (row: Row) => row.label],
  version: ['integer', (row: Row) => row.version],
  updated_at: ['timestamptz', (row: Row) => row.updatedAt?.toISOString()],
  sort_from: ['timestamptz', (row: Row) => row.sortFrom],
  sort_to: ['timestamptz', (row: Row) => row.sortTo],
  tokens: ['text[]', (row: Row) => arrayLiteral(row.tokens)],
  identifiers: ['text[]', (row: Row) => row.identifiers && arrayLiteral(row.identifiers)],
  strings: ['text[]', (row: Row) => row.strings && arrayLiteral(row.strings)],
  dates: ['jsonb', (row: Row) => row.dates],
  numbers: ['jsonb', (row: Row) => row.numbers],
  once_key: ['text', (row: Row) => row.onceKey],
  content: ['text', (row: Row) => row.content],
} as const;

export type Column = keyof typeof COLUMNS;
export const ALL = Object.keys(COLUMNS) as Column[];

/**
 * Rows as a source `s` in SQL, with their places from 1 on: one array for each column, unnested. A row by itself is
 * given column by column, which costs less.
 */
export function sourceOf(columns: readonly Column[], rows: readonly Row[], first: number) {
  const [only] = rows;
  const alone = rows.length === 1 && only !== undefined;
  const place = (name: Column, index: number) => `$${first + index}::${COLUMNS[name][0]}`;
  const array = (name: Column, index: number) => `$${first + index}::${travelType(name)}[]`;
  return {
    name: alone ? 'one' : 'many',
    text: alone
      ? `(select ${columns.map((name, index) => `${place(name, index)} as ${name}`).join(', ')}, 1 as place) s`
      : `unnest(${columns.map(array).join(', ')}) with ordinality s (${columns.join(', ')}, place)`,
    values: columns.map((name) => {
      const value = (row: Row) => COLUMNS[name][1](row) ?? null;
      return alone ? value(only) : rows.map(value);
    }),
  };
}

/** A column of such a source, as its own type. */
export const columnText = (name: Column): string => `s.${name}::${COLUMNS[name][0]}`;

const travelType = (name: Column): string => (COLUMNS[name][0].endsWith('[]') ? 'text' : COLUMNS[name][0]);
