import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';

type Row = DecisionRow & { result: 'queued' | 'not-found' | 'off'; queued: number };

const REDELIVER = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select r.* from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_redeliver($4, $5) r offset 0) x on true`;

/**
 * `POST Subscription/{id}/$redeliver`: what was given up is sent once more, under the numbers it had. Whether the
 * connection may still know of it is asked when it is sent, as for everything.
 */
export async function redeliver(room: Room, call: Call, id: string): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 'u');
  const key = keyOf('Subscription', id);
  const rows = await room.query<Row>('subscription-redeliver', REDELIVER, [...asked, key.route, key.id]);
  return afterDecision(rows, ({ result, queued }) => {
    if (result === 'not-found') return new Refusal('not-found');
    if (result === 'off') {
      return new Refusal('resource-invalid', {
        text: 'The subscription is off: send it with the status requested first.',
      });
    }
    const parameter = [{ name: 'queued', valueUnsignedInt: queued }];
    return {
      status: 200,
      body: JSON.stringify({ resourceType: 'Parameters', parameter }),
      resourceId: key.id,
      count: queued,
    };
  });
}
