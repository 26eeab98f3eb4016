import { setTimeout } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { notificationBundle } from './notification-bundle.ts';
import type { Post } from './post.ts';
import { open } from './seal.ts';
import { signDetached } from './sign.ts';
import type { SigningKeys } from './signing-keys.ts';
import { markFailed, markSent, type Taken, takeNotifications } from './store.ts';

/** Waiting after each failure in a row, of a receiver as a whole; the last goes on. */
export const RETRY_AFTER_SECONDS = [10, 60, 300, 1800, 7200, 21_600, 43_200, 64_800, 86_400] as const;
/** What is older when its receiver fails again is a dead letter. */
export const GIVE_UP_AFTER_SECONDS = 60 * 3600;

const IN_FLIGHT_MAX = 32;
const EACH_MAX = 4;
/** Longer than a sending can take, so that no other process sends the same beside it. */
const LEASE_SECONDS = 60;
/** How soon others are looked for while slow receivers are waited for. */
const LOOK_AGAIN_MS = 500;

type Needs = Pick<Context, 'database' | 'secrets' | 'audit' | 'log' | 'baseUrl' | 'now'> & {
  keys: SigningKeys;
  post: Post;
  /** Once aborted, nothing more is taken; what is on its way is waited for. */
  signal?: AbortSignal;
};

/** Sends what is due, until nothing is. Returns how many were taken by their receivers. Any number of processes may. */
export function createSendDue(needs: Needs) {
  return async function sendDue(): Promise<number> {
    const flights = new Map<Promise<unknown>, string>();
    let sent = 0;
    while (!needs.signal?.aborted) {
      const busy = [...new Set(flights.values())];
      const taken = await takeNotifications(needs.database.service, {
        subscriptions: Math.floor((IN_FLIGHT_MAX - flights.size) / EACH_MAX),
        each: EACH_MAX,
        busy,
        leaseSeconds: LEASE_SECONDS,
      });
      for (const one of taken) {
        const flight: Promise<unknown> = sendOne(needs, one)
          .then((done) => {
            sent += Number(done);
          })
          .finally(() => flights.delete(flight));
        flights.set(flight, one.subscriptionId);
      }
      // What arrived while this was asked had its subscription left out: ask again.
      if (flights.size === 0 && busy.length === 0) break;
      if (flights.size === 0) continue;
      // A receiver that is slow does not keep what is for others waiting.
      await Promise.race([...flights.keys(), setTimeout(LOOK_AGAIN_MS, undefined, { ref: false })]);
    }
    await Promise.all(flights.keys());
    return sent;
  };
}

async function sendOne(needs: Needs, taken: Taken): Promise<boolean> {
  const { log, post, database } = needs;
  try {
    const { body, headers } = await signed(needs, taken);
    // Durable before it leaves: what a system was told is known, whatever happens to this process.
    await audited(needs, taken, body);
    await post(taken.endpoint, headers, body);
  } catch (error) {
    const code = String((error as { code?: unknown }).code ?? 'internal');
    const waitSeconds = RETRY_AFTER_SECONDS[taken.failures] ?? RETRY_AFTER_SECONDS.at(-1)!;
    const failure = { error: code, waitSeconds, giveUpAfterSeconds: GIVE_UP_AFTER_SECONDS };
    const givenUp = await markFailed(database.service, taken, failure);
    log.warn({ notification: taken.id, code, givenUp }, 'a notification was not delivered');
    return false;
  }
  await markSent(database.service, taken);
  return true;
}

async function signed({ secrets, baseUrl, now, keys }: Needs, taken: Taken) {
  const { id, subscriptionId, endpoint, organisationId } = taken;
  const body = notificationBundle(taken, `${baseUrl()}/organisations/${organisationId}/fhir/R4`, now());
  const own = taken.headers
    ? open<Record<string, string>>(secrets.encryptionKey, headersPurpose(subscriptionId), taken.headers)
    : {};
  const about = { audience: endpoint, id, issuer: baseUrl(), at: now() };
  const signature = await signDetached(await keys.current(), body, about);
  return { body, headers: { ...own, 'content-type': 'application/fhir+json', 'x-jws-signature': signature } };
}

/** What the sealed headers of a subscription are bound to. Its first part depends on the organisation alone. */
export const headersPurpose = (subscriptionId: string): string =>
  `subscription headers ${subscriptionId.slice(9)}`;

function audited({ audit }: Needs, taken: Taken, body: string): Promise<unknown> {
  return audit.record({
    kind: 'fhir',
    interaction: 'notify',
    outcome: 'allowed',
    status: 200,
    requestId: taken.id,
    clientId: taken.clientId,
    connectionId: taken.connectionId,
    organisationId: taken.organisationId,
    resourceType: taken.focusType,
    resourceId: taken.focusId,
    patients: taken.patientId ? [taken.patientId] : null,
    count: 1,
    bytes: Buffer.byteLength(body),
    detail: `${taken.topic}, attempt ${taken.attempts}`,
  });
}
