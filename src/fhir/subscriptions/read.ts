import { type NotificationEvent, statusParameters, type Topic } from '../../subscriptions/index.ts';
import { afterDecision, type Outcome, versionHeaders } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { contentOf, type SubscriptionRow } from './content.ts';

type Row = DecisionRow & (SubscriptionRow | { [Column in keyof SubscriptionRow]: null });

/** A subscription is seen by the connection that made it and by no other, not even of the same organisation. */
const OWN = `
  from subscription s where s.connection_id = d.connection_id and d.outcome = 'allowed'`;
const COLUMNS = 's.id, s.content, s.status, s.error, s.version, s.updated_at';

const READ = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (select ${COLUMNS} ${OWN} and s.route = $4 and s.id = $5 offset 0) x on true`;

const SEARCH = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (select ${COLUMNS} ${OWN} order by s.created_at desc, s.id offset 0) x on true`;

export async function readSubscription(room: Room, call: Call, id: string): Promise<Outcome> {
  const key = keyOf('Subscription', id);
  const asked = askedBy(call, 'Subscription', 'r');
  const rows = await room.query<Row>('subscription-read', READ, [...asked, key.route, key.id]);
  return afterDecision(rows, (row) => {
    if (row.id === null) return new Refusal('not-found');
    const headers = versionHeaders(row.version, row.updated_at);
    return { status: 200, body: contentOf(row), headers, resourceId: row.id, count: 1 };
  });
}

/** All of the connection's own: there are twenty at most, so there is nothing to search by and no second page. */
export async function searchSubscriptions(room: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 's');
  const unknown = [...new URLSearchParams(call.query).keys()].filter((name) => name !== '_format');
  if (unknown.length > 0) {
    throw new Refusal('search-unsupported', {
      text: 'Subscriptions are listed whole: there are no parameters.',
    });
  }
  const rows = await room.query<Row>('subscription-search', SEARCH, asked);
  return afterDecision(rows, () => {
    const found = rows.filter((row) => row.id !== null) as SubscriptionRow[];
    const entries = found.map(
      (row) =>
        `{"fullUrl":"${call.base}/Subscription/${row.id}","resource":${contentOf(row)},"search":{"mode":"match"}}`,
    );
    const link = JSON.stringify([{ relation: 'self', url: `${call.base}/Subscription` }]);
    return {
      status: 200,
      body:
        `{"resourceType":"Bundle","type":"searchset","total":${found.length},"link":${link}` +
        `${entries.length > 0 ? `,"entry":[${entries.join(',')}]` : ''}}`,
      count: found.length,
    };
  });
}

type Waiting = {
  number: string | null;
  at: string;
  change: string;
  focus: string | null;
  patientId: string | null;
  error: string | null;
};
type StatusRow = Row & { topic: Topic; events: string; waiting: number; dead: Waiting[] | null };

const DEAD_SHOWN = 100;

const STATUS = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select ${COLUMNS}, s.topic, s.events::text,
           (select count(*)::integer from notification n
             where n.route = s.route and n.subscription_id = s.id and n.dead_at is null) as waiting,
           (select json_agg(to_json(l) order by l.number) from (
              select n.number, n.at, n.change, n.error, n.patient_id as "patientId",
                     n.focus_type || '/' || n.focus_id as focus
                from notification n
               where n.route = s.route and n.subscription_id = s.id and n.dead_at is not null
                 and n.topic <> 'handshake'
               order by n.number desc limit ${DEAD_SHOWN}) l) as dead
      ${OWN} and s.route = $4 and s.id = $5 offset 0) x on true`;

/** `Subscription/{id}/$status`: how it stands, and its dead letters: what was given up, newest hundred, each with why. */
export async function subscriptionStatus(room: Room, call: Call, id: string): Promise<Outcome> {
  const key = keyOf('Subscription', id);
  const asked = askedBy(call, 'Subscription', 'r');
  const rows = await room.query<StatusRow>('subscription-status', STATUS, [...asked, key.route, key.id]);
  return afterDecision(rows, (row) => {
    if (row.id === null) return new Refusal('not-found');
    const dead = (row.dead ?? []).map(
      (one): NotificationEvent => ({ ...one, number: String(one.number ?? 0), at: new Date(one.at) }),
    );
    const parameters = statusParameters({
      id: row.id,
      subscription: `${call.base}/Subscription/${row.id}`,
      topic: row.topic,
      status: row.status,
      type: 'query-status',
      events: row.events,
      error: row.error,
      notifications: dead,
    });
    const entry = { fullUrl: `urn:uuid:${row.id}`, resource: parameters, search: { mode: 'match' } };
    return {
      status: 200,
      body: JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 1, entry: [entry] }),
      resourceId: row.id,
      patients: [...new Set(dead.flatMap(({ patientId }) => patientId ?? []))],
      count: dead.length,
      detail: `waiting ${row.waiting}`,
    };
  });
}
