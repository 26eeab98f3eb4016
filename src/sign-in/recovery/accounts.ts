import type { ClientBase, Pool } from 'pg';
import { emailOf } from '../../directory/details.ts';
import { DirectoryError } from '../../directory/directory-error.ts';
import { IDLE_SECONDS } from '../sessions.ts';

type Queryable = Pick<ClientBase | Pool, 'query'>;

export type StaffAccount = {
  id: string;
  email: string;
  name: string;
  disabledAt: Date | null;
  /** Whether they have set up an authenticator. */
  authenticator: boolean;
};

/** How much there was of each that was still of use. */
export type Ended = { sessions: number; codes: number; pairings: number; identities: number };

/** @throws {DirectoryError} DETAILS_INVALID, ACCOUNT_UNKNOWN. */
export const accountWith = (database: Queryable, email: string): Promise<StaffAccount> =>
  find(database, email, '');

/**
 * As `accountWith`, and until the transaction ends nobody else begins a session of it or changes it. Rows that refer to
 * it may be added meanwhile: whoever adds one holds a session that is ended first.
 */
export const lockAccount = (client: ClientBase, email: string): Promise<StaffAccount> =>
  find(client, email, 'for no key update');

async function find(database: Queryable, typed: string, lock: '' | 'for no key update') {
  const { rows } = await database.query(
    `select id, email, name, disabled_at as "disabledAt", totp_secret is not null as authenticator
       from account where email = $1 ${lock}`,
    [emailOf(typed)],
  );
  if (!rows[0]) {
    throw new DirectoryError('ACCOUNT_UNKNOWN', 'No staff account has this e-mail address.');
  }
  return rows[0] as StaffAccount;
}

/**
 * Ends sessions and codes of the account at once; with a `reason` what outlasts them too, its pairings with clinical
 * systems and its ties to organisations' sign-ins. Call it with the account locked, before changing it.
 */
export async function endWaysIn(
  client: ClientBase,
  { id }: StaffAccount,
  reason: 'account-disabled' | 'account-reset' | null,
  now: Date,
): Promise<Ended> {
  const { rows } = await client.query(
    'select sessions, codes, pairings, identities from end_ways_in($1, $2, $3, $4)',
    [id, now, IDLE_SECONDS, reason],
  );
  return rows[0];
}
