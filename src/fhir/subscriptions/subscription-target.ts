import type { Outcome } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import { createSubscription } from './create.ts';
import { subscriptionEvents, subscriptionStatus } from './events.ts';
import { readSubscription, searchSubscriptions } from './read.ts';
import { redeliver } from './redeliver.ts';
import { removeSubscription } from './remove.ts';
import { updateSubscription } from './update.ts';

type Act = (room: Room, call: Call, id: string) => Promise<Outcome>;
type Aimed = { interaction: string; letter: string; act: Act };

const COLLECTION: Record<string, Aimed | undefined> = {
  GET: { interaction: 'search-type', letter: 's', act: searchSubscriptions },
  POST: { interaction: 'create', letter: 'c', act: createSubscription },
};
const INSTANCE: Record<string, Aimed | undefined> = {
  GET: { interaction: 'read', letter: 'r', act: readSubscription },
  PUT: { interaction: 'update', letter: 'u', act: updateSubscription },
  DELETE: { interaction: 'delete', letter: 'd', act: removeSubscription },
};
const OPERATIONS: Record<string, Record<string, Aimed | undefined> | undefined> = {
  __proto__: null as never,
  $status: { GET: { interaction: '$status', letter: 'r', act: subscriptionStatus } },
  $events: { GET: { interaction: '$events', letter: 'r', act: subscriptionEvents } },
  $redeliver: { POST: { interaction: '$redeliver', letter: 'u', act: redeliver } },
};

/**
 * What a request for a Subscription is aimed at; undefined for all else. Subscriptions are a connection's own, apart
 * from the resources that an organisation's systems share.
 */
export function subscriptionOf({ method, segments }: Pick<Call, 'method' | 'segments'>) {
  const [type, id = '', more] = segments;
  if (type !== 'Subscription') return undefined;
  const methods =
    segments.length === 1
      ? COLLECTION
      : segments.length === 2 && !/^[_$]/.test(id)
        ? INSTANCE
        : segments.length === 3
          ? OPERATIONS[more ?? '']
          : undefined;
  if (!methods) throw new Refusal('interaction-unknown');
  const aimed = methods[method === 'HEAD' ? 'GET' : method];
  if (!aimed) {
    const allow = Object.keys(methods).flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : one));
    throw new Refusal('method-not-allowed', { headers: { allow: allow.join(', ') } });
  }
  const { interaction, letter, act } = aimed;
  return { interaction, type, id, letter, act: (room: Room, call: Call) => act(room, call, id) };
}
