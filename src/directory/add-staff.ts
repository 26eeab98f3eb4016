import type { ClientBase } from 'pg';
import { newRootId } from '../ids.ts';
import { emailOf, nameOf, odsCodeOf } from './details.ts';
import { DirectoryError } from './directory-error.ts';

export const ROLES = ['administrator', 'coordinator', 'professional'] as const;

type Person = {
  odsCode: string;
  email: string;
  name: string;
  role: string;
  /** For a new account; one that is here already keeps its password. */
  passwordHash: string;
};

export type Staff = {
  organisationId: string;
  accountId: string;
  email: string;
  /** As the account has it, which may not be the name that was asked for. */
  name: string;
  isNewAccount: boolean;
};

/**
 * Gives a person a role in an organisation: with the account that has their e-mail address, else with a new one.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ORGANISATION_UNKNOWN, ACCOUNT_DISABLED, STAFF_ROLE_HELD.
 */
export async function addStaff(client: ClientBase, person: Person): Promise<Staff> {
  const { role, passwordHash } = person;
  const email = emailOf(person.email);
  const name = nameOf("The person's name", person.name);
  if (!ROLES.some((known) => known === role)) {
    throw new DirectoryError('DETAILS_INVALID', `The role must be one of ${ROLES.join(', ')}.`);
  }
  const organisationId = await organisationWith(client, person.odsCode);
  const accountId = newRootId();
  const added = await client.query(ADD_ACCOUNT, [accountId, email, name, passwordHash]);
  // Waits for whoever ends or disables this account at the same time.
  const { rows } = await client.query(
    'select id, name, disabled_at from account where email = $1 for update',
    [email],
  );
  const account = rows[0];
  if (account.disabled_at) {
    throw new DirectoryError('ACCOUNT_DISABLED', 'The account with this e-mail address is disabled.');
  }
  const given = await client.query(GIVE_ROLE, [account.id, organisationId, role]);
  if (given.rowCount === 0) {
    throw new DirectoryError(
      'STAFF_ROLE_HELD',
      'This person has a role in the organisation already: end it before giving another.',
    );
  }
  return {
    organisationId,
    accountId: account.id,
    email,
    name: account.name,
    isNewAccount: added.rowCount === 1,
  };
}

/**
 * Ends a person's role in an organisation. Their sessions there end with it, on the next page they ask for; the
 * account stays, for other organisations and for what is recorded of it.
 * @throws {DirectoryError} DETAILS_INVALID, ORGANISATION_UNKNOWN, STAFF_ROLE_UNKNOWN.
 */
export async function endStaff(
  client: ClientBase,
  person: { odsCode: string; email: string },
): Promise<{ organisationId: string; accountId: string; administratorsLeft: number }> {
  const email = emailOf(person.email);
  const organisationId = await organisationWith(client, person.odsCode);
  const ended = await client.query(END_ROLE, [organisationId, email]);
  if (ended.rowCount === 0) {
    throw new DirectoryError('STAFF_ROLE_UNKNOWN', 'Nobody with this e-mail address has a role there.');
  }
  const { rows } = await client.query(COUNT_ADMINISTRATORS, [organisationId]);
  return { organisationId, accountId: ended.rows[0].account_id, administratorsLeft: Number(rows[0].n) };
}

async function organisationWith(client: ClientBase, typed: string): Promise<string> {
  const odsCode = odsCodeOf(typed);
  const { rows } = await client.query('select id from organisation where ods_code = $1', [odsCode]);
  if (!rows[0]) {
    throw new DirectoryError(
      'ORGANISATION_UNKNOWN',
      `There is no organisation with the ODS code ${odsCode}.`,
    );
  }
  return rows[0].id;
}

const ADD_ACCOUNT = `
insert into account (id, email, name, password_hash) values ($1, $2, $3, $4) on conflict (email) do nothing`;

// A role that was ended may be given again; one that is held is not changed by giving another.
const GIVE_ROLE = `
insert into staff_role (account_id, organisation_id, role) values ($1, $2, $3)
on conflict (account_id, organisation_id)
  do update set role = excluded.role, team_id = null, created_at = now(), ended_at = null
      where staff_role.ended_at is not null`;

const END_ROLE = `
update staff_role r set ended_at = now() from account a
 where a.email = $2 and r.account_id = a.id and r.organisation_id = $1 and r.ended_at is null
returning r.account_id`;

const COUNT_ADMINISTRATORS = `
select count(*) as n from staff_role r join account a on a.id = r.account_id
 where r.organisation_id = $1 and r.role = 'administrator' and r.ended_at is null and a.disabled_at is null`;
