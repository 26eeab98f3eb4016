import type { ClientBase, Pool } from 'pg';

export type Organisation = {
  /** The public id, which is in the organisation's FHIR base and needs no secrecy. */
  id: string;
  odsCode: string;
  name: string;
};

/** The organisation with this public id, or null. */
export async function organisationOf(database: Pool | ClientBase, id: string): Promise<Organisation | null> {
  const { rows } = await database.query({
    name: 'organisation-of',
    text: 'select id, ods_code as "odsCode", name from organisation where id = $1',
    values: [id],
  });
  return rows[0] ?? null;
}
