import { randomUUID } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';

type Queryable = Pick<ClientBase | Pool, 'query'>;

export type PatientOutcome =
  | 'found'
  | 'no-role'
  | 'patient-not-found'
  | 'birth-date-mismatch'
  | 'patient-merged';

/** Among the organisation's own patients, for a person who holds a role there now (0010-systmone.sql). */
export async function findPatient(
  client: Queryable,
  wanted: {
    accountId: string;
    organisationId: string;
    system: string;
    value: string;
    birthDate: string | null;
  },
): Promise<{ outcome: PatientOutcome; patientId: string | null }> {
  const { rows } = await client.query({
    name: 'launch-patient',
    text: 'select outcome, patient_id as "patientId" from launch_patient($1, $2, $3, $4, $5)',
    values: [wanted.accountId, wanted.organisationId, wanted.system, wanted.value, wanted.birthDate],
  });
  return rows[0];
}

/** Whoever has just shown who they are may use the link from this device, whatever else used it (0021). */
export async function takeLink(
  client: Queryable,
  use: { configurationId: string; digest: Buffer; deviceId: string; now: Date; until: Date },
): Promise<void> {
  await client.query({
    name: 'launch-take',
    text: 'select launch_take_link($1, $2, $3, $4, $5)',
    values: [use.configurationId, use.digest, use.deviceId, use.now, use.until],
  });
}

export type LaunchRequest = {
  idHash: Buffer;
  organisationId: string;
  source: string;
  configurationId: string | null;
  connectionId: string | null;
  userKey: Buffer;
  sealed: Buffer;
  digest: Buffer | null;
  replayed: boolean;
  createdAt: Date;
  expiresAt: Date;
};

export async function insertRequest(client: Queryable, request: LaunchRequest): Promise<void> {
  await client.query({
    name: 'launch-request-insert',
    text: `
      insert into launch_request (id_hash, organisation_id, source, configuration_id, connection_id, user_key, sealed,
                                  digest, replayed, created_at, expires_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      request.idHash,
      request.organisationId,
      request.source,
      request.configurationId,
      request.connectionId,
      request.userKey,
      request.sealed,
      request.digest,
      request.replayed,
      request.createdAt,
      request.expiresAt,
    ],
  });
}

const REQUEST = `
  id_hash as "idHash", organisation_id as "organisationId", source, configuration_id as "configurationId",
  connection_id as "connectionId", user_key as "userKey", sealed, digest, replayed, created_at as "createdAt",
  expires_at as "expiresAt"`;

// What was withdrawn or revoked opens nothing, not even for those who were on their way.
const STANDS = `
  used_at is null and expires_at > $2
  and (configuration_id is null or exists (
    select from launch_configuration l where l.id = configuration_id and l.withdrawn_at is null))
  and (connection_id is null or exists (
    select from connection c join system s on s.client_id = c.client_id
     where c.id = connection_id and c.status = 'active' and s.standing = 'live'
       and (c.expires_at is null or c.expires_at > clock_timestamp())))`;

/** One that still waits. */
export async function waitingRequest(
  database: Queryable,
  idHash: Buffer,
  now: Date,
): Promise<LaunchRequest | null> {
  const { rows } = await database.query({
    name: 'launch-request-waiting',
    text: `select ${REQUEST} from launch_request where id_hash = $1 and ${STANDS}`,
    values: [idHash, now],
  });
  return rows[0] ?? null;
}

/** Takes one that waits, so that nobody else does: however often and concurrently it is asked for, one gets it. */
export async function useRequest(
  client: Queryable,
  idHash: Buffer,
  now: Date,
): Promise<LaunchRequest | null> {
  const { rows } = await client.query({
    name: 'launch-request-use',
    text: `update launch_request set used_at = $2 where id_hash = $1 and ${STANDS}
           returning ${REQUEST}`,
    values: [idHash, now],
  });
  return rows[0] ?? null;
}

export type LaunchEvent = {
  organisationId: string;
  configurationId: string | null;
  source: string;
  at: Date;
  outcome: string;
  userName: string | null;
  accountId: string | null;
  address: string;
  requestId: string;
};

export async function insertEvent(client: Queryable, event: LaunchEvent): Promise<void> {
  await client.query({
    name: 'launch-event',
    text: `
      insert into launch_event (id, organisation_id, configuration_id, source, at, outcome, user_name, account_id,
                                address, request_id)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    values: [
      randomUUID(),
      event.organisationId,
      event.configurationId,
      event.source,
      event.at,
      event.outcome,
      event.userName,
      event.accountId,
      event.address,
      event.requestId,
    ],
  });
}

/** Removes what has no use any more. Used-up cookies stay as long as somebody might come with a copy. */
export async function cleanLaunches(database: Queryable, now: Date): Promise<void> {
  for (const text of [
    `delete from launch_request where expires_at < $1::timestamptz - interval '1 hour'`,
    `delete from launch_use u where until < $1 or exists (
       select from launch_configuration l where l.id = u.configuration_id and l.withdrawn_at < $1)`,
    `delete from record_context where expires_at < $1`,
    `delete from launch_event where at < $1::timestamptz - interval '6 months'`,
    `delete from launch_credential where expires_at < $1::timestamptz - interval '30 days'`,
    `delete from launch_device d where last_seen_at < $1::timestamptz - interval '1 day'
        and not exists (select from launch_pairing_device l where l.device_id = d.id)`,
    `delete from launch_device where last_seen_at < $1::timestamptz - interval '400 days'`,
    `delete from launch_device_token t using launch_device d
      where d.id = t.device_id and t.issued_at < $1::timestamptz - interval '60 days'
        and t.token_hash <> d.current_hash and t.parent_hash is distinct from d.current_hash`,
  ]) {
    await database.query({ text, values: [now] });
  }
}
