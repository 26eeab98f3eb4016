import type { ClientBase } from 'pg';
import { newRootId } from '../ids.ts';
import { nameOf } from './details.ts';

/**
 * The company of this name, compared as administrators' searches do; added when there is none.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID.
 */
export async function companyNamed(client: ClientBase, asked: string): Promise<string> {
  const name = nameOf("The company's name", asked);
  // Two who add the same company at once take turns, so that it is one.
  await client.query('lock table company in share row exclusive mode');
  const { rows } = await client.query(
    'select id from company where search_key(name) = search_key($1) order by created_at, id limit 1',
    [name],
  );
  if (rows[0]) return rows[0].id;
  const id = newRootId();
  await client.query('insert into company (id, name) values ($1, $2)', [id, name]);
  return id;
}
