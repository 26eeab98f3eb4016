import type { ClientBase } from 'pg';
import type { Context } from '../context.ts';
import { newRootId } from '../ids.ts';
import { inTransaction } from './acting.ts';
import { type Arrival, note, openFor } from './arrive.ts';
import { recogniseDevice } from './devices.ts';
import { type Incoming, unsealAsked, type Visitor } from './incoming.ts';
import { type LaunchRequest, takeLink, useRequest, waitingRequest } from './launch-store.ts';
import { confirmPairing } from './pairing-store.ts';
import { hashOfToken } from './sealed.ts';
import { credentialStands, sessionStands } from './standing.ts';

export type Confirmed =
  | (Extract<Arrival, { outcome: 'allowed' }> & { paired: 'paired' | 'device-added' })
  | (Extract<
      Arrival,
      { outcome: 'no-role' | 'patient-not-found' | 'birth-date-mismatch' | 'patient-merged' }
    > & {
      paired: 'paired' | 'device-added';
    })
  | { outcome: 'other-account'; incoming: Incoming; accountId: string }
  /** Used, expired, or never there; or the session or codes it was to be answered with ended at this moment. */
  | { outcome: 'request-gone' };

/** Who has shown who they are, and by what, which may have ended since. */
type Who = { accountId: string } & (
  | { method: 'sign-in'; sessionId: string }
  | { method: 'codes'; credentialId: string }
);

/** Reads a launch that waits, and ties its user to whoever has shown who they are. */
export function createConfirm({ database, secrets, now }: Pick<Context, 'database' | 'secrets' | 'now'>) {
  const incomingOf = (request: LaunchRequest): Incoming => ({
    ...request,
    asked: unsealAsked(secrets.encryptionKey, request),
  });

  /** The launch that waits for this browser, or null. */
  async function waiting(
    token: string | undefined,
  ): Promise<(Incoming & Pick<LaunchRequest, 'replayed' | 'createdAt'> & { name: string }) | null> {
    const idHash = hashOfToken(token);
    const request = idHash && (await waitingRequest(database.service, idHash, now()));
    if (!request) return null;
    const { replayed, createdAt } = request;
    // Tells this launch from the browser's next one, and nothing else.
    return { ...incomingOf(request), replayed, createdAt, name: request.idHash.toString('hex').slice(0, 16) };
  }

  /**
   * Ties organisation, user name, account and this browser, and opens the record the launch asked for: once. The tie
   * stands even when the record does not open, for it is the person's and not the patient's.
   */
  async function confirm(token: string | undefined, who: Who, visitor: Visitor): Promise<Confirmed> {
    const idHash = hashOfToken(token);
    if (!idHash) return { outcome: 'request-gone' };
    return inTransaction(database.service, (client) => confirmInside(client, idHash, who, visitor));
  }

  async function confirmInside(
    client: ClientBase,
    idHash: Buffer,
    who: Who,
    visitor: Visitor,
  ): Promise<Confirmed> {
    const { accountId, method } = who;
    const at = now();
    const stands =
      who.method === 'sign-in'
        ? await sessionStands(client, who.sessionId)
        : await credentialStands(client, who.credentialId);
    if (!stands) return { outcome: 'request-gone' };
    const request = await useRequest(client, idHash, at);
    if (!request) return { outcome: 'request-gone' };
    const incoming = incomingOf(request);
    const { organisationId, source, asked, configurationId, digest } = incoming;
    const device = await recogniseDevice(client, visitor, at);
    const paired = await confirmPairing(client, {
      id: newRootId(),
      organisationId,
      source,
      userKey: request.userKey,
      userName: asked.userName,
      accountId,
      deviceId: device.id,
      method,
      answers: request.replayed,
      now: at,
    });
    if (paired.outcome === 'other-account') {
      await note(client, incoming, visitor, 'paired-with-another', accountId, at);
      return { outcome: 'other-account', incoming, accountId };
    }
    if (configurationId && digest) {
      const until = new Date(asked.window);
      await takeLink(client, { configurationId, digest, deviceId: device.id, now: at, until });
    }
    const opened = await openFor(client, incoming, accountId);
    await note(client, incoming, visitor, opened.outcome, accountId, at);
    return { incoming, accountId, deviceToken: device.token, paired: paired.outcome, ...opened };
  }

  return { waiting, confirm };
}
