import type { Pool } from 'pg';
import type { BaseLogger } from 'pino';
import type { Message } from './message.ts';
import { openMessage } from './seal.ts';
import { markFailed, markSent, takeDue, type WaitingMessage } from './store.ts';

/** Hands one message to a mail server; rejects when the server did not take it. */
export type Send = (message: Message, id: string) => Promise<void>;

type Needs = {
  database: Pick<Pool, 'query'>;
  encryptionKey: Buffer;
  send: Send;
  log: Pick<BaseLogger, 'warn'>;
  now: () => Date;
};

/** Waiting before each further try; after the last the message is given up, for its link has ended by then. */
export const RETRY_AFTER_SECONDS = [30, 120, 600, 1800, 3600, 7200, 14_400, 28_800] as const;

const AT_ONCE = 10;
const LEASE_SECONDS = 120;

/** Sends what is due, until nothing is. Returns how many messages were sent. Any number of processes may do so. */
export function createSendDue(needs: Needs) {
  return async function sendDue(): Promise<number> {
    let sent = 0;
    for (;;) {
      const taken = await takeDue(needs.database, needs.now(), AT_ONCE, LEASE_SECONDS);
      if (taken.length === 0) return sent;
      for (const message of taken) sent += Number(await sendOne(needs, message));
    }
  };
}

async function sendOne(
  { database, encryptionKey, send, log, now }: Needs,
  waiting: WaitingMessage,
): Promise<boolean> {
  const { id, kind, sealed, attempts } = waiting;
  try {
    await send(openMessage(encryptionKey, id, sealed), id);
  } catch (error) {
    // The code alone: what a mail server says often repeats the address.
    const code = String((error as { code?: unknown }).code ?? 'UNKNOWN');
    const wait = isLasting(error) ? undefined : RETRY_AFTER_SECONDS[attempts - 1];
    const nextAttemptAt = wait === undefined ? null : new Date(now().getTime() + wait * 1000);
    await markFailed(database, id, { error: code, now: now(), nextAttemptAt });
    log.warn(
      { message: id, kind, code, givenUp: nextAttemptAt === null },
      'a message was not taken by the mail server',
    );
    return false;
  }
  await markSent(database, id, now());
  return true;
}

/** RFC 5321 section 4.2.1: a 5yz answer will be the same next time. */
const isLasting = (error: unknown): boolean => {
  const code = (error as { responseCode?: unknown }).responseCode;
  return typeof code === 'number' && code >= 550 && code <= 559;
};
