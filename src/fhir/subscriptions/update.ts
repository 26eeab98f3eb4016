import { headersPurpose, seal } from '../../subscriptions/index.ts';
import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { ifMatchOf } from '../http/if-match.ts';
import { Refusal } from '../http/refusal.ts';
import type { RefusalCode } from '../http/refusal-codes.ts';
import { writtenAnswer } from '../http/written.ts';
import { incoming } from '../incoming/incoming.ts';
import { keyOf } from '../interactions/read.ts';
import { changing } from '../operations/changing.ts';
import { idempotencyKeyOf } from '../operations/idempotency.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import type { Query } from '../store/query.ts';
import { contentOf, type SubscriptionRow } from './content.ts';
import { parseSubscription } from './parse.ts';

type Row = DecisionRow & { result: string } & Omit<SubscriptionRow, 'id' | 'content'>;

const UPDATE = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select c.result, c.status, c.error, c.version, c.updated_at
      from (select 1 where d.outcome = 'allowed' offset 0) go,
           fhir_update_subscription($1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) c
    offset 0) x on true`;

/**
 * Update of a Subscription. The status `off` pauses it; any other asks for it to go on, and how it stands is the server's
 * to say. Where the endpoint or its headers change, a handshake comes before all else.
 */
export async function updateSubscription(room: Room, call: Call, id: string): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 'u');
  const { resource } = incoming(room, call, 'Subscription');
  if (resource.id !== id) throw new Refusal('id-mismatch');
  const { secrets, now, config, baseUrl } = room.context;
  const sent = parseSubscription(resource, {
    now: now(),
    toLoopback: config.pushToLoopback,
    baseUrl: baseUrl(),
    exists: true,
  });
  const key = keyOf('Subscription', id);
  const { topic, types, endpoint, headers, endsAt, content, paused } = sent;
  const sealed = headers && seal(secrets.encryptionKey, headersPurpose(key.id), headers);
  const text = JSON.stringify(content);
  const values = [topic, types, endpoint, sealed, text, endsAt, paused, ifMatchOf(call)];
  const run = async (query: Query) => {
    const rows = await query<Row>('subscription-update', UPDATE, [...asked, key.route, key.id, ...values]);
    return afterDecision(rows, (row) => {
      if (row.result !== 'updated') return new Refusal(row.result as RefusalCode);
      return writtenAnswer(call, 200, {
        type: 'Subscription',
        id: key.id,
        version: row.version,
        updatedAt: row.updated_at,
        content: contentOf({ ...row, id: key.id, content: text }),
        patientId: null,
      });
    });
  };
  return room.inTransaction && idempotencyKeyOf(call) === undefined
    ? run(room.query)
    : changing(room, call, asked, ({ query }) => run(query));
}
