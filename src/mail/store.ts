import type { Pool, PoolClient } from 'pg';

type On = Pick<Pool, 'query'> | Pick<PoolClient, 'query'>;

export type WaitingMessage = { id: string; kind: string; sealed: Buffer; attempts: number };

export async function insertMessage(
  on: On,
  message: { id: string; kind: string; sealed: Buffer; at: Date },
): Promise<void> {
  await on.query({
    name: 'mail-insert',
    text: `insert into outbox (id, kind, sealed, created_at, next_attempt_at) values ($1, $2, $3, $4, $4)`,
    values: [message.id, message.kind, message.sealed, message.at],
  });
}

/**
 * Takes messages that are due, for `leaseSeconds`: nobody else takes them meanwhile, and should this process die they
 * are due again afterwards. No transaction is open while a mail server takes its time.
 */
export async function takeDue(
  on: On,
  now: Date,
  count: number,
  leaseSeconds: number,
): Promise<WaitingMessage[]> {
  const { rows } = await on.query<WaitingMessage>({
    name: 'mail-take-due',
    text: `update outbox o set attempts = o.attempts + 1, next_attempt_at = $1::timestamptz + make_interval(secs => $3)
             from (select id from outbox
                    where sent_at is null and failed_at is null and next_attempt_at <= $1
                    order by next_attempt_at limit $2 for update skip locked) due
            where o.id = due.id
           returning o.id, o.kind, o.sealed, o.attempts`,
    values: [now, count, leaseSeconds],
  });
  return rows;
}

/** The text goes with the sending: what it held was for one reader. */
export async function markSent(on: On, id: string, now: Date): Promise<void> {
  await on.query({
    name: 'mail-sent',
    text: 'update outbox set sent_at = $2, sealed = null, error = null where id = $1',
    values: [id, now],
  });
}

/** `nextAttemptAt` null: given up, and the text with it. */
export async function markFailed(
  on: On,
  id: string,
  failure: { error: string; now: Date; nextAttemptAt: Date | null },
): Promise<void> {
  await on.query({
    name: 'mail-failed',
    text: `update outbox
              set error = $2, next_attempt_at = coalesce($3, next_attempt_at),
                  failed_at = case when $3::timestamptz is null then $4::timestamptz end,
                  sealed = case when $3::timestamptz is null then null else sealed end
            where id = $1`,
    values: [id, failure.error.slice(0, 300), failure.nextAttemptAt, failure.now],
  });
}

export type OutboxRow = {
  id: string;
  kind: string;
  sealed: Buffer | null;
  createdAt: Date;
  sentAt: Date | null;
};

/** The latest messages, newest first: for the demo's outbox page. */
export async function latestMessages(on: On, count: number): Promise<OutboxRow[]> {
  const { rows } = await on.query({
    name: 'mail-latest',
    text: `select id, kind, sealed, created_at as "createdAt", sent_at as "sentAt"
             from outbox order by created_at desc, id limit $1`,
    values: [count],
  });
  return rows;
}

/** Removes what was sent or given up a month ago. */
export async function removeOld(on: On, now: Date): Promise<void> {
  await on.query({
    text: `delete from outbox where created_at < $1::timestamptz - interval '30 days'`,
    values: [now],
  });
}
