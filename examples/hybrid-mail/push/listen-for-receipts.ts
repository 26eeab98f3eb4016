import { createRemoteJWKSet } from 'jose';
import type { FhirClient } from '../../shared/fhir-client.ts';
import { type Folder, openLedger } from '../../shared/ledger.ts';
import { Refused } from '../../shared/refused.ts';
import { UsageError } from '../../shared/usage-error.ts';
import { checkNotification, NotTaken } from './check-notification.ts';
import type { PushAddress } from './push-address.ts';
import { startReceiver } from './receiver.ts';
import { ours, subscribe, unsubscribe } from './subscribe.ts';
import { createWake, type Pause } from './wake.ts';

/** A handshake comes within seconds. */
const REMIND_AFTER_MS = 20_000;

type Options = PushAddress & {
  fhirBase: string;
  folder: Folder;
  now: () => Date;
  tell: (text: string) => void;
  /** When to look whether the handshake has come. */
  remindAfterMs?: number;
};

export type Push = {
  /** A pause that ends when a letter is read. */
  pause: Pause;
  /** Stops listening; `done`: nothing is waited for any more, so the subscription ends too. */
  stop: (done: boolean) => Promise<void>;
};

/**
 * Is told of letters that are read. A notification is a reason to ask, never the answer: it may be lost, come twice or
 * late, and says nothing of a letter that could not be opened.
 */
export async function listenForReceipts(client: FhirClient, options: Options): Promise<Push> {
  const { endpoint, host, port, fhirBase, folder, now, tell, remindAfterMs = REMIND_AFTER_MS } = options;
  const had = openLedger(folder.file('notifications.csv'), ['subscription', 'event_number', 'at']);
  const keyOf = (subscription: string, number: string) => `${subscription} ${number}`;
  const numbers = new Set(had.entries.map((one) => keyOf(one.subscription, one.event_number)));
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', fhirBase));
  const { wake, pause } = createWake();
  let reminder: NodeJS.Timeout | undefined;
  const own = Promise.withResolvers<Set<string>>();
  own.promise.catch(() => undefined); // it is told by who subscribes

  async function take(signature: string | undefined, body: Buffer): Promise<void> {
    const notification = await checkNotification(signature, body, { endpoint, fhirBase, keys, now });
    const { subscriptionId: subscription, type } = notification;
    // Else anybody with a connection could have us called, and our address would say yes to their handshake.
    if (!(await own.promise).has(subscription))
      throw new NotTaken(404, 'it is of a subscription that is not ours');
    if (type === 'handshake') tell('Handshake: the service tells us of letters that are read');
    const added = notification.numbers.filter((number) => !numbers.has(keyOf(subscription, number)));
    // Kept before it is answered: what is answered is not sent again.
    had.add(added.map((number) => ({ subscription, event_number: number, at: now().toISOString() })));
    for (const number of added) numbers.add(keyOf(subscription, number));
    // What was read before the handshake is told to nobody, so it is asked for then.
    if (type === 'handshake' || added.length > 0) wake();
  }

  async function tellUnreached(): Promise<void> {
    const [one] = await ours(client, endpoint).catch(() => []);
    if (!one || one.status === 'active') return;
    const why = one.error ? ` (${one.error})` : '';
    tell(
      `The service has not reached ${endpoint} yet${why}. Check that it leads here; until it does, receipts are asked for from time to time (--every).`,
    );
  }

  const onRefused = (why: string) => tell(`A notification was not taken: ${why}`);
  const receiver = await startReceiver({ host, port, take, onRefused });
  try {
    const subscriptions = await subscribe(client, endpoint);
    own.resolve(new Set(subscriptions.map(({ id }) => id!)));
    tell(`Listening at ${host} port ${port}; the service is to post to ${endpoint}`);
    const known = subscriptions.find(({ status }) => status === 'active');
    if (known) tell('The service knows it from before');
    else reminder = setTimeout(tellUnreached, remindAfterMs);
  } catch (error) {
    own.reject(error);
    await receiver.stop();
    throw notPostedTo(error, endpoint);
  }
  return {
    pause,
    async stop(done) {
      clearTimeout(reminder);
      await receiver.stop();
      if (done) await unsubscribe(client, endpoint);
    },
  };
}

/** The one refusal that the person who typed the address can do something about. */
function notPostedTo(error: unknown, endpoint: string): unknown {
  if (!(error instanceof Refused) || !error.message.includes('channel.endpoint')) return error;
  return new UsageError(
    `The service does not post to ${endpoint}: it must be an https address of the public internet.\n` +
      'To try it on one machine, start the demo with PUSH_TO_LOOPBACK=true and use --push http://127.0.0.1:8090/letters.',
  );
}
