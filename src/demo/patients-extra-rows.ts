import type { ClientBase } from 'pg';
import { routeOf } from '../ids.ts';
import { hashAccessCode, hashInvitationCode } from '../invitations/codes.ts';
import { hashPassword } from '../sign-in/index.ts';
import type { DemoPatient } from './patients.ts';
import { AMONG_FIRST, type DemoAccount, type DemoInvitation, patientsExtra } from './patients-extra.ts';
import { pushOf } from './push.ts';
import { insertPush } from './push-rows.ts';
import type { World } from './world.ts';

/** Inserts accounts and invitations, and sets the receipts of letters, once the patients are there. */
export async function insertPatientsExtra(client: ClientBase, world: World, pepper: Buffer): Promise<void> {
  const first: DemoPatient[] = [];
  for (const patient of world.patients()) {
    if (first.push(patient) === AMONG_FIRST) break;
  }
  const { accounts, invitations, letters } = patientsExtra(world, first);
  await insertAccounts(client, [...accounts.values()]);
  await insertInvitations(client, world, invitations, pepper);
  await client.query(
    `update letter l set first_read_at = r."readAt"
       from json_to_recordset($1) as r (route integer, id uuid, "readAt" timestamptz)
      where l.route = r.route and l.id = r.id`,
    [
      JSON.stringify(
        letters.flatMap(({ id, readAt }) => (readAt ? [{ route: routeOf(id), id, readAt }] : [])),
      ),
    ],
  );
  await insertPush(client, pushOf(world, letters));
  // What happened before the demo began is no news.
  await client.query('update letter set notified_at = visible_from');
}

async function insertAccounts(client: ClientBase, accounts: DemoAccount[]): Promise<void> {
  const rows = await Promise.all(
    accounts.map(async ({ password, ...account }) => ({
      ...account,
      route: routeOf(account.id),
      password_hash: await hashPassword(password),
    })),
  );
  await client.query(
    `with given as (
       select * from json_to_recordset($1) as rows (
         route integer, id uuid, "patientId" uuid, name text, email text, password_hash text, "joinedAt" timestamptz)),
     joined as (
       update patient p set joined_at = g."joinedAt" from given g where p.route = g.route and p.id = g."patientId")
     insert into patient_account (route, id, patient_id, email, name, password_hash, joined_at)
     select route, id, "patientId", email, name, password_hash, "joinedAt" from given`,
    [JSON.stringify(rows)],
  );
}

async function insertInvitations(
  client: ClientBase,
  world: World,
  invitations: DemoInvitation[],
  pepper: Buffer,
): Promise<void> {
  const rows = invitations.map(({ code, token, ...invitation }) => ({
    ...invitation,
    route: routeOf(invitation.id),
    codeHash: `\\x${hashInvitationCode(pepper, code).toString('hex')}`,
    tokenHash: `\\x${hashAccessCode(pepper, token).toString('hex')}`,
    connectionId: world.connections.find(
      ({ organisationId, status }) => organisationId === invitation.organisationId && status === 'active',
    )?.id,
  }));
  await client.query(
    `insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, created_at, expires_at,
                             created_by_connection)
     select route, id, "patientId", "organisationId", "codeHash", "tokenHash", "createdAt", "expiresAt", "connectionId"
       from json_to_recordset($1) as rows (
         route integer, id uuid, "patientId" uuid, "organisationId" uuid, "codeHash" bytea, "tokenHash" bytea,
         "createdAt" timestamptz, "expiresAt" timestamptz, "connectionId" uuid)`,
    [JSON.stringify(rows)],
  );
}
