import type { ClientBase, Pool } from 'pg';

export type Team = { id: string; name: string; isDefault: boolean };

/** An organisation's teams, its default team first. */
export async function teamsOf(database: Pool | ClientBase, organisationId: string): Promise<Team[]> {
  const { rows } = await database.query({
    name: 'teams-of',
    text: `select id, name, is_default as "isDefault" from team where organisation_id = $1
            order by is_default desc, lower(name), id`,
    values: [organisationId],
  });
  return rows;
}
