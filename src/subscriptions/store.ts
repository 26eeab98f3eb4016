import type { Pool } from 'pg';
import type { Topic } from './topics.ts';

type On = Pick<Pool, 'query'>;

/** One notification that this process has taken to send. */
export type Taken = {
  route: number;
  subscriptionId: string;
  id: string;
  topic: Topic | 'handshake';
  at: Date;
  change: string;
  focusType: string | null;
  focusId: string | null;
  patientId: string | null;
  /** Of the events of this subscription; null for a handshake. */
  number: string | null;
  /** This one counted. */
  attempts: number;
  endpoint: string;
  headers: Buffer | null;
  status: string;
  organisationId: string;
  connectionId: string;
  clientId: string;
  subscribedTopic: Topic;
  /** Tries since the receiver last took anything. */
  failures: number;
};

/**
 * What is due, for whoever has the time; migration 0013 says what is asked of the connection then.
 * @param each so many of one subscription at most @param busy subscriptions to leave out
 */
export async function takeNotifications(
  on: On,
  {
    subscriptions,
    each,
    busy,
    leaseSeconds,
  }: { subscriptions: number; each: number; busy: string[]; leaseSeconds: number },
): Promise<Taken[]> {
  const { rows } = await on.query<Taken>({
    name: 'notifications-take',
    text: `select route, subscription_id as "subscriptionId", id, topic, at, change, focus_type as "focusType",
                  focus_id as "focusId", patient_id as "patientId", number::text, attempts, endpoint, headers, status,
                  organisation_id as "organisationId", connection_id as "connectionId", client_id as "clientId",
                  subscribed_topic as "subscribedTopic", failures
             from take_notifications($1, $2, $3, make_interval(secs => $4))`,
    values: [subscriptions, each, busy, leaseSeconds],
  });
  return rows;
}

export async function markSent(on: On, { route, subscriptionId, id }: Taken): Promise<void> {
  await on.query({
    name: 'notifications-sent',
    text: 'select notification_sent($1, $2, $3)',
    values: [route, subscriptionId, id],
  });
}

/** Whether notifications were given up with this one, being older than `giveUpAfterSeconds`. */
export async function markFailed(
  on: On,
  { route, subscriptionId, id }: Taken,
  {
    error,
    waitSeconds,
    giveUpAfterSeconds,
  }: { error: string; waitSeconds: number; giveUpAfterSeconds: number },
): Promise<boolean> {
  const { rows } = await on.query<{ given_up: boolean }>({
    name: 'notifications-failed',
    text: `select notification_failed($1, $2, $3, $4, make_interval(secs => $5), make_interval(secs => $6)) as given_up`,
    values: [route, subscriptionId, id, error, waitSeconds, giveUpAfterSeconds],
  });
  return rows[0]!.given_up;
}

export async function sweepNotifications(on: On): Promise<void> {
  await on.query('select sweep_notifications()');
}
