import type { Pool, PoolClient } from 'pg';
import { routeOf } from '../../ids.ts';

type On = Pick<Pool | PoolClient, 'query'>;

export async function insertPasswordLink(
  on: On,
  link: { tokenHash: Buffer; accountId: string; now: Date; expiresAt: Date },
): Promise<void> {
  await on.query({
    name: 'password-link-insert',
    text: `insert into patient_link (token_hash, purpose, route, account_id, created_at, expires_at)
           values ($1, 'password', $2, $3, $4, $5)`,
    values: [link.tokenHash, routeOf(link.accountId), link.accountId, link.now, link.expiresAt],
  });
}

/** Whose link this is, while it can be followed. */
export async function accountOfLink(
  on: On,
  tokenHash: Buffer,
  now: Date,
): Promise<{ id: string; email: string } | null> {
  const { rows } = await on.query<{ id: string; email: string }>({
    name: 'password-link-account',
    text: `select a.id, a.email
             from patient_link l join patient_account a on a.route = l.route and a.id = l.account_id
            where l.token_hash = $1 and l.purpose = 'password' and l.expires_at > $2 and a.closed_at is null`,
    values: [tokenHash, now],
  });
  return rows[0] ?? null;
}

/** Uses the link. False when another request was first. */
export async function useLink(on: On, tokenHash: Buffer, now: Date): Promise<boolean> {
  const { rowCount } = await on.query({
    name: 'password-link-use',
    text: `delete from patient_link where token_hash = $1 and purpose = 'password' and expires_at > $2`,
    values: [tokenHash, now],
  });
  return rowCount === 1;
}

/** Every link to a new password that was asked for. */
export async function dropLinks(on: On, accountId: string): Promise<void> {
  await on.query({
    name: 'password-link-drop',
    text: `delete from patient_link where account_id = $1 and purpose = 'password'`,
    values: [accountId],
  });
}

/** The date of birth of the patient who acts. Inside `asPatient`. */
export async function ownBirthDate(on: On, patientId: string): Promise<string | null> {
  const { rows } = await on.query<{ birthDate: string | null }>({
    name: 'patients-own-birth-date',
    text: 'select birth_date::text as "birthDate" from patient where route = $1 and id = $2',
    values: [routeOf(patientId), patientId],
  });
  return rows[0]?.birthDate ?? null;
}

export async function closeAccount(on: On, accountId: string, now: Date): Promise<boolean> {
  const { rows } = await on.query<{ closed: boolean }>({
    name: 'patients-close-account',
    text: 'select close_patient_account($1, $2) as closed',
    values: [accountId, now],
  });
  return rows[0]!.closed;
}
