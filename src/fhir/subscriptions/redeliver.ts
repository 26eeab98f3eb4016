import { afterDecision, type Outcome } from '../http/answer.ts';
import { bodyOf } from '../http/body.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { keyOf } from '../interactions/read.ts';
import { changing } from '../operations/changing.ts';
import type { Room } from '../room.ts';
import type { JsonObject } from '../store/content.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { invalid, numbersIn } from './event-numbers.ts';

const REDELIVER = `
select ${DECISION}, x.sent
  from ${DECIDE} d
  left join lateral (
    select r.sent from (select 1 where d.outcome = 'allowed' offset 0) go, redeliver_notifications($4, $5, $6, $7) r(sent)
    offset 0) x on true`;

/**
 * `Subscription/{id}/$redeliver`: dead letters of these numbers (without numbers, all) are sent again, as if they had
 * happened now. Under an Idempotency-Key it happens once.
 */
export async function redeliver(room: Room, call: Call, id: string): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 'u');
  const key = keyOf('Subscription', id);
  const { from, to } = numbersIn(sentIn(call));
  return changing(room, call, asked, async ({ query }) => {
    const rows = await query<DecisionRow & { sent: number | null }>('subscription-redeliver', REDELIVER, [
      ...asked,
      key.route,
      key.id,
      from,
      to,
    ]);
    return afterDecision(rows, ({ sent }) => {
      if (sent === null) return new Refusal('not-found');
      if (sent < 0) return new Refusal('resource-invalid', { text: ENDED });
      const parameter = [{ name: 'redelivered', valueUnsignedInt: sent }];
      return {
        status: 200,
        body: JSON.stringify({ resourceType: 'Parameters', parameter }),
        resourceId: key.id,
        patients: [],
        count: sent,
      };
    });
  });
}

const ENDED =
  'The subscription is off: ask for it again by a PUT with the status requested, then for its events.';

/** By name; an empty body asks for all. */
function sentIn(call: Call): Map<string, string> {
  if (!call.body?.length && !call.parsed) return new Map();
  const { resourceType, parameter = [] } = (bodyOf(call).resource ?? {}) as JsonObject;
  if (resourceType !== 'Parameters' || !Array.isArray(parameter))
    throw invalid('A Parameters resource is needed');
  return new Map(
    parameter.map((one: JsonObject | null) => {
      if (typeof one?.name !== 'string' || typeof one.valueString !== 'string')
        throw invalid('Each parameter has a name and its number as valueString');
      return [one.name, one.valueString];
    }),
  );
}
