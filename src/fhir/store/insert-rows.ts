import type pg from 'pg';
import { ALL, columnText, sourceOf } from './columns.ts';
import type { Row } from './row.ts';

/**
 * Inserts many rows in one statement, for loads as the owner of the tables (row-level security would refuse them).
 * A row that is complete: version, time and label are known. A thousand or so at a time keep the statement at a few
 * megabytes.
 */
export async function insertRows(client: Pick<pg.ClientBase, 'query'>, rows: readonly Row[]): Promise<void> {
  const { name, text, values } = sourceOf(ALL, rows, 1);
  const insert = `insert into resource (${ALL.join(', ')}) select ${ALL.map(columnText).join(', ')} from ${text}`;
  await client.query({ name: `fhir-insert-${name}`, text: insert, values });
}
