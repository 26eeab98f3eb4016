import type { ClientBase } from 'pg';
import { labelNumber } from '../fhir/store/labels.ts';
import { parseSubscription } from '../fhir/subscriptions/parse.ts';
import { routeOf } from '../ids.ts';
import { permissionsOf } from '../oauth/scopes.ts';
import { canonicalOf } from '../subscriptions/index.ts';
import type { DemoPush } from './push.ts';

/** Inserts a subscription as its vendor would have made it, what was given up, and the counts of each day. */
export async function insertPush(client: ClientBase, push: DemoPush | undefined): Promise<void> {
  if (!push) return;
  await insertSubscription(client, push);
  await insertGivenUp(client, push);
  await insertCounts(client, push);
}

async function insertSubscription(client: ClientBase, push: DemoPush): Promise<void> {
  const { id, connection, createdAt, told, failedAt } = push;
  const resource = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'Letters that were opened on screen are not printed',
    criteria: canonicalOf('letter-read'),
    channel: { type: 'rest-hook', endpoint: push.endpoint, payload: 'application/fhir+json' },
  };
  // The demo's own address is not known yet, and is none of the company's.
  const where = { toLoopback: false, baseUrl: 'http://127.0.0.1' };
  const { topic, endpoint, content } = parseSubscription(resource, { now: createdAt, ...where });
  const delivered = told.flatMap(({ deliveredAt }) => deliveredAt ?? []);
  const recovered = delivered.find((at) => at > (failedAt[0] ?? at)) ?? createdAt;
  await client.query(
    `insert into subscription (route, id, organisation_id, connection_id, topic, permissions, endpoint, content, status,
                               events, version, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $11, $12)`,
    [
      ...[routeOf(id), id, connection.organisationId, connection.id, topic, permissionsOf(connection.scopes)],
      // Its versions: as it was asked for, and active; after that in error, and active again.
      ...[
        endpoint,
        JSON.stringify(content),
        told.length,
        recovered > createdAt ? 4 : 2,
        createdAt,
        recovered,
      ],
    ],
  );
}

async function insertGivenUp(client: ClientBase, { id, connection, told, error }: DemoPush): Promise<void> {
  const dead = told.filter(({ givenUpAt }) => givenUpAt !== null);
  const rows = dead.map(({ event, number, attempts, givenUpAt }) => ({
    id: event.notificationId,
    at: event.at,
    focus_id: event.id,
    patient_id: event.patientId,
    label: labelNumber(event.label),
    number,
    attempts: attempts.length,
    tried_at: attempts.at(-1) ?? null,
    dead_at: givenUpAt,
  }));
  await client.query(
    `insert into notification (route, subscription_id, id, topic, at, change, focus_type, focus_id, patient_id, label,
                               writer, number, attempts, tried_at, next_attempt_at, dead_at, error)
     select $1, $2, id, 'letter-read', at, 'update', 'DocumentReference', focus_id, patient_id, label,
            $3, number, attempts, tried_at, dead_at, dead_at, $4
       from json_to_recordset($5) as rows (
         id uuid, at timestamptz, focus_id uuid, patient_id uuid, label smallint, number bigint, attempts smallint,
         tried_at timestamptz, dead_at timestamptz)`,
    [routeOf(id), id, connection.organisationId, error, JSON.stringify(rows)],
  );
}

async function insertCounts(client: ClientBase, { id, connection, told, failedAt, error }: DemoPush) {
  const acts = [
    ...told.flatMap(({ deliveredAt: at }) => (at ? [{ at, delivered: 1, failed: 0, given_up: 0 }] : [])),
    ...told.flatMap(({ givenUpAt: at }) => (at ? [{ at, delivered: 0, failed: 0, given_up: 1 }] : [])),
    ...failedAt.map((at) => ({ at, delivered: 0, failed: 1, given_up: 0 })),
  ];
  await client.query(
    `insert into push_count (organisation_id, connection_id, subscription_id, day, delivered, failed, given_up,
                             delivered_at, failed_at, error)
     select $1, $2, $3, (at at time zone 'Europe/London')::date, sum(delivered), sum(failed), sum(given_up),
            max(at) filter (where delivered > 0), max(at) filter (where failed > 0),
            case when sum(failed) > 0 then $4 end
       from json_to_recordset($5) as rows (at timestamptz, delivered integer, failed integer, given_up integer)
      group by 4`,
    [connection.organisationId, connection.id, id, error, JSON.stringify(acts)],
  );
}
