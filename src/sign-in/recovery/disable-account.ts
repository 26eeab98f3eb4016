import type { ClientBase } from 'pg';
import { DirectoryError } from '../../directory/directory-error.ts';
import { type Ended, endWaysIn, lockAccount, type StaffAccount } from './accounts.ts';

type Disabled = { account: StaffAccount; ended: Ended; organisationsWithoutAdministrator: string[] };

/**
 * Disables an account: nobody signs in with it by any way, and whatever was open or waiting ends at once. Its roles
 * stay, for when it is enabled again.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ACCOUNT_UNKNOWN, ACCOUNT_DISABLED.
 */
export async function disableAccount(client: ClientBase, email: string, now: Date): Promise<Disabled> {
  const account = await lockAccount(client, email);
  if (account.disabledAt) {
    const since = account.disabledAt.toISOString();
    throw new DirectoryError('ACCOUNT_DISABLED', `This account is disabled already, since ${since}.`);
  }
  const ended = await endWaysIn(client, account, 'account-disabled', now);
  await client.query('update account set disabled_at = $2 where id = $1', [account.id, now]);
  const { rows } = await client.query(WITHOUT_ADMINISTRATOR, [account.id]);
  return { account, ended, organisationsWithoutAdministrator: rows.map(({ name }) => name) };
}

/**
 * Lets a disabled account be used again, with the roles, password and authenticator it has. What was open, connected or
 * waiting before does not come back, whoever disabled the account and however.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ACCOUNT_UNKNOWN, ACCOUNT_NOT_DISABLED.
 */
export async function enableAccount(client: ClientBase, email: string, now: Date): Promise<StaffAccount> {
  const account = await lockAccount(client, email);
  if (!account.disabledAt) {
    throw new DirectoryError('ACCOUNT_NOT_DISABLED', 'This account is not disabled.');
  }
  await endWaysIn(client, account, 'account-disabled', now);
  await client.query('update account set disabled_at = null where id = $1', [account.id]);
  return account;
}

/** Of the organisations that the account administers, those that have nobody else who does. */
const WITHOUT_ADMINISTRATOR = `
select o.name || ' (' || o.ods_code || ')' as name
  from staff_role r join organisation o on o.id = r.organisation_id
 where r.account_id = $1 and r.role = 'administrator' and r.ended_at is null
   and not exists (
     select from staff_role other join account a on a.id = other.account_id
      where other.organisation_id = r.organisation_id and other.role = 'administrator' and other.ended_at is null
        and a.disabled_at is null and a.id <> $1)
 order by 1`;
