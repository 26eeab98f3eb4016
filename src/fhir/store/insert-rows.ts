import type pg from 'pg';
import { ALL, arraysOf, columnText, unnestText } from './columns.ts';
import type { Row } from './row.ts';

const INSERT = `
insert into resource (${ALL.join(', ')})
select ${ALL.map((name) => columnText(name, 's')).join(', ')} from ${unnestText(ALL, 1)} as s (${ALL.join(', ')})`;

/**
 * Inserts many rows in one statement, for loads as the owner of the tables (row-level security would refuse them).
 * A row that is complete: version, time and label are known. A thousand or so at a time keep the statement at a few
 * megabytes.
 */
export async function insertRows(client: Pick<pg.ClientBase, 'query'>, rows: readonly Row[]): Promise<void> {
  await client.query({ name: 'fhir-insert-rows', text: INSERT, values: arraysOf(ALL, rows) });
}
