import type { Context } from '../context.ts';
import { notificationBundle } from './notification-bundle.ts';
import type { Post } from './post.ts';
import { open } from './seal.ts';
import { signDetached } from './sign.ts';
import type { SigningKeys } from './signing-keys.ts';
import { markFailed, markSent, type Taken, takeNotifications } from './store.ts';

/** Waiting before each further try; after the last the notification is a dead letter. Two and a half days in all. */
export const RETRY_AFTER_SECONDS = [10, 60, 300, 1800, 7200, 21_600, 43_200, 64_800, 86_400] as const;

const AT_ONCE = 10;
/** Longer than a sending can take, so that no other process sends the same beside it. */
const LEASE_SECONDS = 60;

type Needs = Pick<Context, 'database' | 'secrets' | 'audit' | 'log' | 'baseUrl' | 'now'> & {
  keys: SigningKeys;
  post: Post;
};

/** Sends what is due, until nothing is. Returns how many were taken by their receivers. Any number of processes may. */
export function createSendDue(needs: Needs) {
  return async function sendDue(): Promise<number> {
    for (let sent = 0; ; ) {
      const taken = await takeNotifications(needs.database.service, AT_ONCE, LEASE_SECONDS);
      if (taken.length === 0) return sent;
      const done = await Promise.all(taken.map((one) => sendOne(needs, one)));
      sent += done.filter(Boolean).length;
    }
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
    const wait = RETRY_AFTER_SECONDS[taken.attempts - 1] ?? null;
    await markFailed(database.service, taken, code, wait);
    log.warn({ notification: taken.id, code, givenUp: wait === null }, 'a notification was not delivered');
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
