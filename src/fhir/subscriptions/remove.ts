import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';

const REMOVE = `
select ${DECISION}, x.removed
  from ${DECIDE} d
  left join lateral (
    select r.removed from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_delete_subscription($4, $5) r(removed)
    offset 0) x on true`;

/** Ends a subscription: what waited to be sent and its dead letters go with it. */
export async function removeSubscription(room: Room, call: Call, id: string): Promise<Outcome> {
  const key = keyOf('Subscription', id);
  const asked = askedBy(call, 'Subscription', 'd');
  const rows = await room.query<DecisionRow & { removed: boolean }>('subscription-delete', REMOVE, [
    ...asked,
    key.route,
    key.id,
  ]);
  return afterDecision(rows, (row) =>
    row.removed
      ? { status: 204, body: null, resourceId: id, patients: [], count: 1 }
      : new Refusal('not-found'),
  );
}
