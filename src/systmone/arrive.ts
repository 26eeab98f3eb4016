import type { ClientBase } from 'pg';
import type { Context } from '../context.ts';
import { inTransaction } from './acting.ts';
import { recogniseDevice } from './devices.ts';
import { type Incoming, sealAsked, userKeyOf, type Visitor } from './incoming.ts';
import { findPatient, insertEvent, insertRequest, isLinkFree, useLink } from './launch-store.ts';
import { pairingOnDevice, touchPairing } from './pairing-store.ts';
import { newToken } from './sealed.ts';

/** What came of a launch, and the device cookie that the browser has from now on. */
export type Arrival = { incoming: Incoming; accountId: string | null; deviceToken: string } & (
  | { outcome: 'allowed'; accountId: string; patientId: string }
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
    return inTransaction(database.service, async (client) => {
      const at = now();
      const device = await recogniseDevice(client, visitor.deviceCookie, { now: at, ...visitor });
      const common = { incoming, deviceToken: device.token };
      const pairing =
        device.outcome === 'known' ? await pairingOnDevice(client, userKey(incoming), device.id) : null;
      const accountId = pairing?.accountId ?? null;
      // Only who may open it uses a link up: a copy that gets nowhere does not stand in its owner's way.
      const copied = !(await mine(client, incoming, device.id, at, pairing !== null));

      if (device.outcome === 'stolen' || copied || !pairing) {
        const outcome =
          device.outcome === 'stolen' ? 'device-cookie-reused' : copied ? 'link-reused' : 'not-paired';
        await note(client, incoming, visitor, outcome, accountId, at);
        const requestToken = await wait(client, incoming, outcome !== 'not-paired', at);
        return { ...common, outcome, accountId, requestToken };
      }
      const opened = await openFor(client, incoming, pairing.accountId);
      await note(client, incoming, visitor, opened.outcome, accountId, at);
      if (opened.outcome === 'allowed') await touchPairing(client, pairing.id, device.id, at);
      return { ...common, accountId: pairing.accountId, ...opened };
    });
  };

  function userKey(incoming: Incoming) {
    return userKeyOf(secrets.pepper, { ...incoming, userName: incoming.asked.userName });
  }

  async function mine(client: ClientBase, incoming: Incoming, deviceId: string, at: Date, use: boolean) {
    const { configurationId, digest, asked } = incoming;
    if (!configurationId || !digest) return true;
    const wanted = { configurationId, digest, deviceId, now: at };
    return use ? useLink(client, { ...wanted, until: new Date(asked.window) }) : isLinkFree(client, wanted);
  }

  async function wait(client: ClientBase, incoming: Incoming, replayed: boolean, at: Date) {
    const { token, hash: idHash } = newToken();
    const { asked, ...request } = incoming;
    await insertRequest(client, {
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
