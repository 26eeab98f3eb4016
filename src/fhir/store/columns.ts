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

/** Rows as one array for each column, which `unnestText` makes into rows again. */
export const arraysOf = (columns: readonly Column[], rows: readonly Row[]): unknown[] =>
  columns.map((name) => rows.map((row) => COLUMNS[name][1](row) ?? null));

/** `unnest(…)` of parameters from `$first` on. */
export const unnestText = (columns: readonly Column[], first: number): string =>
  `unnest(${columns.map((name, index) => `$${first + index}::${travelType(name)}[]`).join(', ')})`;

/** A column of what was unnested, as its own type. */
export const columnText = (name: Column, from: string): string =>
  COLUMNS[name][0].endsWith('[]') ? `${from}.${name}::${COLUMNS[name][0]}` : `${from}.${name}`;

const travelType = (name: Column): string =>
  COLUMNS[name][0].endsWith('[]') ? 'text' : COLUMNS[name][0];
