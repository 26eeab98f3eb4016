import type pg from 'pg';
import type { Outcome } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import { type Asked, type Query, queryOn } from '../store/query.ts';
import { claimAnswer, idempotencyKeyOf, keepAnswer, releaseClaim, requestHashOf } from './idempotency.ts';

/**
 * Runs an operation that changes something in one transaction, together with the memory of its answer: under one
 * Idempotency-Key it happens once, however often and concurrently it is sent, and every time has the same answer.
 */
export async function changing(
  room: Room,
  call: Call,
  asked: Asked,
  work: (transaction: Transaction) => Promise<Outcome>,
  { requestHash = requestHashOf(call), labels = 0 }: AboutRequest = {},
): Promise<Outcome> {
  if (room.inTransaction) {
    throw new Refusal('batch-invalid', {
      text: 'An operation that changes something cannot be part of a transaction: send it by itself.',
    });
  }
  const key = idempotencyKeyOf(call);
  return contended(
    async () => {
      // Before the transaction: in it, nothing may wait for another connection.
      const organisationId = await room.organisationIds.resolve(call.organisation);
      return inTransaction(room.context.database.service, async (client) => {
        const query = queryOn(client);
        if (key === undefined) return work({ query, client, organisationId });
        const claim = await claimAnswer(query, room.context.secrets, requestHash, asked, key, labels);
        if ('earlier' in claim) return claim.earlier;
        const outcome = await work({ query, client, organisationId });
        if (outcome.answer instanceof Refusal) await releaseClaim(query, claim.place);
        else await keepAnswer(query, claim, outcome.answer);
        return outcome;
      });
    },
    room.organisationIds.forget.bind(null, call.organisation),
  );
}

type AboutRequest = {
  /** Of a request whose body did not come as a whole. */
  requestHash?: Buffer;
  /** The privacy labels that it writes under, as bits. */
  labels?: number;
};

export type Transaction = {
  query: Query;
  client: pg.PoolClient;
  /** By the name that the caller used, which may have gone to another since: compare it with the decision's. */
  organisationId: string;
};

const ATTEMPTS_MAX = 3;

/** Two who change the same at once, in an order that lets neither go on: one of them begins again. */
export async function contended<T>(act: () => Promise<T>, beforeAgain?: () => void): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const { code } = error as { code?: string };
      if ((code !== '40001' && code !== '40P01') || attempt === ATTEMPTS_MAX) throw error;
      beforeAgain?.();
    }
  }
}

/** Commits what `act` did, also when it comes to a refusal; undoes it when it throws. */
export async function inTransaction<T>(
  pool: Pick<pg.Pool, 'connect'>,
  act: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await act(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
