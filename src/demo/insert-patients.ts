import type { ClientBase } from 'pg';
import type { Definitions } from '../fhir/definitions/definitions.ts';
import { type RowInput, rowBuilder } from '../fhir/store/row.ts';
import { patientRows } from './patient-rows.ts';
import type { DemoPatient } from './patients.ts';
import { insertResources, insertRows, type Table } from './store.ts';

/**
 * Inserts patients and their records in batches, in whatever transaction the client is in. For the loader and for
 * whoever fills a database with a world of another size.
 */
export function patientInserter(client: ClientBase, definitions: Definitions) {
  const buildRow = rowBuilder(definitions);
  let tables = new Map<Table, object[]>();
  let resources: RowInput[] = [];

  async function rest(): Promise<void> {
    const [rows, inputs] = [tables, resources];
    tables = new Map();
    resources = [];
    for (const [table, some] of rows) await insertRows(client, table, some);
    if (inputs.length > 0) await insertResources(client, inputs.map(buildRow));
  }

  return {
    async add(patient: DemoPatient): Promise<void> {
      const made = patientRows(patient);
      for (const [table, rows] of made.tables) tables.set(table, [...(tables.get(table) ?? []), ...rows]);
      resources.push(...made.resources);
      if (resources.length >= BATCH) await rest();
    },
    rest,
  };
}

/** How many resources go into one statement: enough to be quick, and little memory. */
const BATCH = 100;
