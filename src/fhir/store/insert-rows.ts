import type pg from 'pg';
import type { Row } from './row.ts';

/** A row that is complete: version, time and label are known. */
const COLUMNS = {
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
  identifiers: ['text[]', (row: Row) => arrayLiteral(row.identifiers)],
  strings: ['text[]', (row: Row) => arrayLiteral(row.strings)],
  dates: ['jsonb', (row: Row) => row.dates],
  numbers: ['jsonb', (row: Row) => row.numbers],
  once_key: ['text', (row: Row) => row.onceKey],
  content: ['text', (row: Row) => row.content],
} as const;

const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

// Arrays cannot be unnested into arrays, so those of a row travel as text.
const INSERT = `
insert into resource (${NAMES.join(', ')})
select ${NAMES.map((name) => `${name}::${COLUMNS[name][0]}`).join(', ')}
  from unnest(${NAMES.map((_, index) => `$${index + 1}::text[]`).join(', ')}) as t (${NAMES.join(', ')})`;

/**
 * Inserts many rows in one statement, for loads as the owner of the tables (row-level security would refuse them).
 * A thousand or so at a time keep the statement at a few megabytes.
 */
export async function insertRows(client: Pick<pg.ClientBase, 'query'>, rows: readonly Row[]): Promise<void> {
  const values = NAMES.map((name) => rows.map((row) => COLUMNS[name][1](row) ?? null));
  await client.query({ name: 'fhir-insert-rows', text: INSERT, values });
}

/** PostgreSQL's written form of a text array. */
function arrayLiteral(texts: readonly string[] | null): string | null {
  if (texts === null) return null;
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
