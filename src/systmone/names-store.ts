import type { ClientBase, Pool } from 'pg';

type Queryable = Pick<ClientBase | Pool, 'query'>;

export async function organisationName(database: Queryable, id: string): Promise<string> {
  const { rows } = await database.query({
    name: 'launch-organisation-name',
    text: 'select name from organisation where id = $1',
    values: [id],
  });
  return rows[0].name;
}

export async function odsCodeOf(database: Queryable, id: string): Promise<string> {
  const { rows } = await database.query({
    name: 'launch-ods-code',
    text: 'select ods_code from organisation where id = $1',
    values: [id],
  });
  return rows[0].ods_code;
}

export async function systemName(database: Queryable, clientId: string): Promise<string | null> {
  const { rows } = await database.query({
    name: 'launch-system-name',
    text: 'select name from system where client_id = $1',
    values: [clientId],
  });
  return rows[0]?.name ?? null;
}
