import { headersPurpose, seal } from '../../subscriptions/index.ts';
import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { ifMatchOf } from '../http/if-match.ts';
import { Refusal } from '../http/refusal.ts';
import { writtenAnswer } from '../http/written.ts';
import { incoming } from '../incoming/incoming.ts';
import { keyOf } from '../interactions/read.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { contentOf } from './content.ts';
import { parseSubscription } from './parse.ts';

type Row = DecisionRow & {
  result: 'updated' | 'not-found' | 'version-conflict';
  version: number;
  status: string;
  error: string | null;
  updated_at: Date;
};

const UPDATE = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select u.*
      from (select 1 where d.outcome = 'allowed' offset 0) go,
           fhir_update_subscription($1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) u
    offset 0) x on true`;

/** `active` and `error` are what is read back: they leave the status to the server. */
const STATUSES = ['requested', 'active', 'error', 'off'];

/**
 * Update of a Subscription (R4 section 3.1.0.4). `off` stops it and drops what waits; `requested` asks the endpoint
 * anew. So does another endpoint, or headers that are sent: until it has taken the handshake nothing else goes there.
 */
export async function updateSubscription(room: Room, call: Call, id: string): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 'u');
  const key = keyOf('Subscription', id);
  const { resource } = incoming(room, call, 'Subscription');
  if (resource.id !== id) throw new Refusal('id-mismatch');
  const { secrets, now, config } = room.context;
  const { status, topic, types, endpoint, headers, endsAt, content } = parseSubscription(resource, {
    now: now(),
    toLoopback: config.pushToLoopback,
    statuses: STATUSES,
  });
  const sealed = headers && seal(secrets.encryptionKey, headersPurpose(key.id), headers);
  const text = JSON.stringify(content);
  const rows = await room.query<Row>('subscription-update', UPDATE, [
    ...asked,
    ...[key.route, key.id, ifMatchOf(call), status, topic, types, endpoint, sealed, text, endsAt],
  ]);
  return afterDecision(rows, ({ result, version, status: standing, error, updated_at: updatedAt }) => {
    if (result !== 'updated') return new Refusal(result);
    const row = { id: key.id, version, status: standing, error, updated_at: updatedAt, content: text };
    return writtenAnswer(call, 200, {
      ...{ type: 'Subscription', id: key.id, version, updatedAt },
      content: contentOf(row),
      patientId: null,
    });
  });
}
