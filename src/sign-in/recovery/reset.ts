import type { ClientBase } from 'pg';
import { type Ended, endWaysIn, lockAccount, type StaffAccount } from './accounts.ts';

/** Long enough for somebody who is on the telephone with the operator. */
const ONE_TIME_PASSWORD_SECONDS = 3600;

type Reset = { account: StaffAccount; ended: Ended; expiresAt: Date };
type Wanted = {
  email: string;
  /** Of the one-time password. */
  passwordHash: string;
  now: Date;
};

/**
 * For who forgot their password: puts a one-time password in its place, good for an hour and for nothing but choosing
 * one. Sessions and unused codes end; the authenticator is asked for as ever, and what was connected with it stays.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ACCOUNT_UNKNOWN.
 */
export async function resetPassword(client: ClientBase, wanted: Wanted): Promise<Reset> {
  const account = await lockAccount(client, wanted.email);
  const ended = await endWaysIn(client, account, null, wanted.now);
  const expiresAt = await setOneTimePassword(client, account, wanted);
  return { account, ended, expiresAt };
}

/**
 * For who lost their authenticator, or whose account somebody else has had: takes the authenticator away together with
 * the password, so that neither who knows the one nor who holds the other gets in, and whatever may have been connected
 * with them. After the one-time password a new authenticator is set up, whatever the person's roles.
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ACCOUNT_UNKNOWN.
 */
export async function resetSecondFactor(client: ClientBase, wanted: Wanted): Promise<Reset> {
  const account = await lockAccount(client, wanted.email);
  const ended = await endWaysIn(client, account, 'account-reset', wanted.now);
  const expiresAt = await setOneTimePassword(client, account, wanted);
  await client.query(
    'update account set totp_secret = null, totp_last_step = null, second_factor_required = true where id = $1',
    [account.id],
  );
  return { account, ended, expiresAt };
}

async function setOneTimePassword(client: ClientBase, { id }: StaffAccount, { passwordHash, now }: Wanted) {
  const expiresAt = new Date(now.getTime() + ONE_TIME_PASSWORD_SECONDS * 1000);
  await client.query('update account set password_hash = $2, password_expires_at = $3 where id = $1', [
    id,
    passwordHash,
    expiresAt,
  ]);
  return expiresAt;
}
