import {
  type NotificationEvent,
  notificationEntry,
  statusParameters,
  type Topic,
} from '../../subscriptions/index.ts';
import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import type { SubscriptionRow } from './content.ts';
import { numbersIn } from './event-numbers.ts';
import { COLUMNS, OWN } from './read.ts';

const SHOWN_MAX = 100;

type Kept = Omit<NotificationEvent, 'at' | 'triedAt' | 'deadAt'> & {
  at: string;
  triedAt: string | null;
  deadAt: string | null;
};
type Row = DecisionRow &
  SubscriptionRow & { topic: Topic; events: string; waiting: number; kept: Kept[] | null };

// The function asks of each whether the connection may know of it as things are now (migration 0023).
const STATUS = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select ${COLUMNS}, s.topic, s.events::text,
           (select count(*)::integer from notification n
             where n.route = s.route and n.subscription_id = s.id and n.dead_at is null) as waiting,
           (select json_agg(to_json(l) order by l.order) from (
              select e.number as order, e.number::text as number, e.at, e.change, e.error, e.attempts,
                     e.tried_at as "triedAt", e.dead_at as "deadAt", e.patient_id as "patientId",
                     e.focus_type || '/' || e.focus_id as focus
                from subscription_events(s.route, s.id, $6, $7, $8, ${SHOWN_MAX}) e) l) as kept
      ${OWN} and s.route = $4 and s.id = $5 offset 0) x on true`;

/** `Subscription/{id}/$status`: how it stands, and its dead letters: what was given up, newest hundred, each with why. */
export async function subscriptionStatus(room: Room, call: Call, id: string): Promise<Outcome> {
  const all = { from: '1', to: numbersIn(new Map()).to };
  return shown(room, call, id, all, true, (row, events) => {
    const entry = {
      fullUrl: `urn:uuid:${row.id}`,
      resource: statusOf(call, row, 'query-status', events),
      search: { mode: 'match' },
    };
    return { resourceType: 'Bundle', type: 'searchset', total: 1, entry: [entry] };
  });
}

/**
 * `Subscription/{id}/$events` of the backport: the events of these numbers that are kept (given up, or still tried), a
 * hundred at a time from the lowest, in a Bundle like the one that is sent.
 */
export async function subscriptionEvents(room: Room, call: Call, id: string): Promise<Outcome> {
  const asked = new Map(new URLSearchParams(call.query));
  return shown(room, call, id, numbersIn(asked), false, (row, events) => {
    const subscription = `${call.base}/Subscription/${row.id}`;
    const first = {
      fullUrl: `urn:uuid:${row.id}`,
      resource: statusOf(call, row, 'query-event', events),
      request: { method: 'GET', url: `${subscription}/$events` },
      response: { status: '200' },
    };
    const focuses = events.flatMap(({ focus, change }) =>
      focus ? [notificationEntry(call.base, focus, change)] : [],
    );
    return { resourceType: 'Bundle', type: 'history', entry: [first, ...focuses] };
  });
}

async function shown(
  room: Room,
  call: Call,
  id: string,
  { from, to }: { from: string; to: string },
  deadOnly: boolean,
  bundleOf: (row: Row, events: NotificationEvent[]) => object,
): Promise<Outcome> {
  const key = keyOf('Subscription', id);
  const values = [...askedBy(call, 'Subscription', 'r'), key.route, key.id, from, to, deadOnly];
  const rows = await room.query<Row>('subscription-events', STATUS, values);
  return afterDecision(rows, (row) => {
    if (row.id === null) return new Refusal('not-found');
    const events = (row.kept ?? []).map((one) => ({
      ...one,
      at: new Date(one.at),
      triedAt: one.triedAt === null ? null : new Date(one.triedAt),
      deadAt: one.deadAt === null ? null : new Date(one.deadAt),
    }));
    return {
      status: 200,
      body: JSON.stringify(bundleOf(row, events)),
      resourceId: row.id,
      patients: [...new Set(events.flatMap(({ patientId }) => patientId ?? []))],
      count: events.length,
      detail: `waiting ${row.waiting}`,
    };
  });
}

function statusOf(
  call: Call,
  row: Row,
  type: 'query-status' | 'query-event',
  notifications: readonly NotificationEvent[],
) {
  return statusParameters({
    id: row.id,
    subscription: `${call.base}/Subscription/${row.id}`,
    topic: row.topic,
    status: row.status,
    type,
    events: row.events,
    error: row.error,
    notifications,
  });
}
