import type { ClientBase, Pool } from 'pg';
import type { Context } from '../context.ts';
import { deviceOf } from './devices.ts';
import { type Incoming, sealAsked, userKeyOf, type Visitor } from './incoming.ts';
import { findPatient, insertEvent, insertRequest } from './launch-store.ts';
import { newToken } from './sealed.ts';

/** What came of a launch, and the device cookie that the browser has from now on. */
export type Arrival = { incoming: Incoming; accountId: string | null; deviceToken: string } & (
  | {
      outcome: 'allowed';
      accountId: string;
      patientId: string;
      /** Another browser of the person's had opened the same link: reported, for it may be a copy. */
      secondBrowser?: boolean;
    }
  /** Nothing opens before the person has shown who they are: `requestToken` waits for them. */
  | { outcome: 'not-paired' | 'link-reused' | 'device-cookie-reused'; requestToken: string }
  | { outcome: 'no-role' | 'patient-not-found' | 'birth-date-mismatch' | 'patient-merged' }
);

/** How long a person has to show who they are. */
export const REQUEST_SECONDS = 600;

/**
 * What a launch leads to. It is a hint and no proof, whatever it was encrypted with: a record opens for a live pairing
 * on its own device and for nothing else, and without them not even the patient is looked for.
 */
export function createArrive({ database, secrets, now }: Pick<Context, 'database' | 'secrets' | 'now'>) {
  return async function arrive(incoming: Incoming, visitor: Visitor): Promise<Arrival> {
    const at = now();
    const { token: deviceToken, values } = deviceOf(visitor);
    const { outcome, accountId, patientId } = await settle(
      database.service,
      incoming,
      visitor,
      userKey(incoming),
      [...values, at],
    );
    const common = { incoming, accountId, deviceToken };
    if (WAITING.has(outcome)) {
      const requestToken = await wait(incoming, outcome !== 'not-paired', at);
      return { ...common, outcome, requestToken } as Arrival;
    }
    if (outcome === 'allowed-second-browser') {
      return { ...common, outcome: 'allowed', patientId, secondBrowser: true } as Arrival;
    }
    return { ...common, outcome, patientId } as Arrival;
  };

  function userKey(incoming: Incoming) {
    return userKeyOf(secrets.pepper, { ...incoming, userName: incoming.asked.userName });
  }

  async function wait(incoming: Incoming, replayed: boolean, at: Date) {
    const { token, hash: idHash } = newToken();
    const { asked, ...request } = incoming;
    await insertRequest(database.service, {
      ...request,
      idHash,
      replayed,
      userKey: userKey(incoming),
      sealed: sealAsked(secrets.encryptionKey, idHash, asked),
      createdAt: at,
      expiresAt: new Date(at.getTime() + REQUEST_SECONDS * 1000),
    });
    return token;
  }
}

const WAITING = new Set(['not-paired', 'link-reused', 'device-cookie-reused']);

/** The whole of it in one statement (0016-launch-arrive.sql). */
async function settle(
  database: Pool,
  { organisationId, source, configurationId, digest, asked }: Incoming,
  { address, requestId }: Visitor,
  userKey: Buffer,
  device: unknown[],
): Promise<{ outcome: string; accountId: string | null; patientId: string | null }> {
  const { rows } = await database.query({
    name: 'launch-arrive',
    text: `
      select outcome, account_id as "accountId", patient_id as "patientId"
        from launch_arrive($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    values: [
      ...device,
      organisationId,
      source,
      configurationId,
      userKey,
      asked.userName,
      configurationId && digest,
      asked.window,
      asked.patient.system,
      asked.patient.value,
      asked.birthDate,
      address,
      requestId,
    ],
  });
  return rows[0];
}

/** Looks the patient up for somebody who has shown who they are. */
export async function openFor(client: ClientBase, { organisationId, asked }: Incoming, accountId: string) {
  const { outcome, patientId } = await findPatient(client, {
    accountId,
    organisationId,
    ...asked.patient,
    birthDate: asked.birthDate,
  });
  return outcome === 'found' && patientId !== null
    ? { outcome: 'allowed' as const, patientId }
    : { outcome: outcome as Exclude<typeof outcome, 'found'> };
}

export const note = (
  client: ClientBase,
  { organisationId, configurationId, source, asked }: Incoming,
  { address, requestId }: Visitor,
  outcome: string,
  accountId: string | null,
  at: Date,
): Promise<void> =>
  insertEvent(client, {
    organisationId,
    configurationId,
    source,
    at,
    outcome,
    userName: asked.userName,
    accountId,
    address,
    requestId,
  });
