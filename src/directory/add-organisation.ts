import type { ClientBase } from 'pg';
import { newRootId } from '../ids.ts';
import { nameOf, odsCodeOf } from './details.ts';
import { DirectoryError } from './directory-error.ts';

export type NewOrganisation = { id: string; odsCode: string; name: string };

/** The team that patients are in when nobody says otherwise. */
const DEFAULT_TEAM = 'Patient Record Team';

/**
 * Adds an organisation with its default team. It has no staff yet: `addStaff` gives it its first administrator, in the
 * same transaction, so that none is left without.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ORGANISATION_EXISTS.
 */
export async function addOrganisation(
  client: ClientBase,
  asked: { name: string; odsCode: string },
): Promise<NewOrganisation> {
  const organisation = {
    id: newRootId(),
    odsCode: odsCodeOf(asked.odsCode),
    name: nameOf("The organisation's name", asked.name),
  };
  const { rowCount } = await client.query(
    'insert into organisation (id, ods_code, name) values ($1, $2, $3) on conflict (ods_code) do nothing',
    [organisation.id, organisation.odsCode, organisation.name],
  );
  if (rowCount === 0) {
    throw new DirectoryError(
      'ORGANISATION_EXISTS',
      `An organisation with the ODS code ${organisation.odsCode} is here already.`,
    );
  }
  await client.query('insert into team (id, organisation_id, name, is_default) values ($1, $2, $3, true)', [
    newRootId(),
    organisation.id,
    DEFAULT_TEAM,
  ]);
  return organisation;
}
