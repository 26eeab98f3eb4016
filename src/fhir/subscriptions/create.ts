import { newRootId } from '../../ids.ts';
import { headersPurpose, seal } from '../../subscriptions/index.ts';
import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { writtenAnswer } from '../http/written.ts';
import { incoming } from '../incoming/incoming.ts';
import { changing } from '../operations/changing.ts';
import { idempotencyKeyOf } from '../operations/idempotency.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import type { Query } from '../store/query.ts';
import { contentOf } from './content.ts';
import { parseSubscription } from './parse.ts';

type Row = DecisionRow & { result: 'created' | 'too-many'; id: string; created_at: Date };

const CREATE = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select c.result, c.id, c.created_at
      from (select 1 where d.outcome = 'allowed' offset 0) go,
           fhir_create_subscription($1, $4, $5, $6, $7, $8, $9, $10) c
    offset 0) x on true`;

/**
 * Create of a Subscription. It begins as `requested`; once its endpoint has taken a handshake it is `active`. Under an
 * Idempotency-Key it is one, however often it is sent.
 */
export async function createSubscription(room: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Subscription', 'c');
  if (call.headers['if-none-exist'] !== undefined) {
    throw new Refusal('resource-invalid', { text: 'A Subscription cannot be created conditionally.' });
  }
  const { resource } = incoming(room, call, 'Subscription');
  const { secrets, now, config, baseUrl } = room.context;
  const { topic, types, endpoint, headers, endsAt, content } = parseSubscription(resource, {
    now: now(),
    toLoopback: config.pushToLoopback,
    baseUrl: baseUrl(),
  });
  const id = newRootId();
  const sealed = headers && seal(secrets.encryptionKey, headersPurpose(id), headers);
  const text = JSON.stringify(content);
  const values = [...asked, id, topic, types, endpoint, sealed, text, endsAt];
  const run = async (query: Query) => {
    const rows = await query<Row>('subscription-create', CREATE, values);
    return afterDecision(rows, (row) => createdAnswer(call, row, text));
  };
  return idempotencyKeyOf(call) === undefined
    ? run(room.query)
    : changing(room, call, asked, ({ query }) => run(query));
}

function createdAnswer(call: Call, row: Row, text: string) {
  if (row.result === 'too-many') {
    return new Refusal('resource-invalid', {
      issues: [{ code: 'too-costly', diagnostics: 'A connection has at most twenty subscriptions' }],
    });
  }
  const version = 1;
  const made = { id: row.id, version, status: 'requested', error: null, updated_at: row.created_at };
  return writtenAnswer(call, 201, {
    type: 'Subscription',
    id: row.id,
    version,
    updatedAt: row.created_at,
    content: contentOf({ ...made, content: text }),
    patientId: null,
  });
}
