import { afterDecision, type Outcome, versionHeaders } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { contentOf, type SubscriptionRow } from './content.ts';

type Row = DecisionRow & (SubscriptionRow | { [Column in keyof SubscriptionRow]: null });

/** A subscription is seen by the connection that made it and by no other, not even of the same organisation. */
export const OWN = `
  from subscription s where s.connection_id = d.connection_id and d.outcome = 'allowed'`;
export const COLUMNS =
  's.id, s.content, subscription_standing(s) as status, s.error, s.version, s.updated_at';

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
