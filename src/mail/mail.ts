import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { Context } from '../context.ts';
import type { Secrets } from '../secrets.ts';
import type { Message, MessageKind } from './message.ts';
import { openMessage, sealMessage } from './seal.ts';
import { createSendDue, type Send } from './send-due.ts';
import { createSmtp } from './smtp.ts';
import { insertMessage, latestMessages, removeOld } from './store.ts';

export type Mail = ReturnType<typeof createMail>;

/** Stores a message on the transaction of `on`, for whoever has no mail of its own: it is sent at the next look. */
export async function putMessage(
  on: Pick<Pool | PoolClient, 'query'>,
  { encryptionKey }: Pick<Secrets, 'encryptionKey'>,
  kind: MessageKind,
  message: Message,
  at: Date,
): Promise<void> {
  const id = randomUUID();
  await insertMessage(on, { id, kind, sealed: sealMessage(encryptionKey, id, message), at });
}

const LOOK_EVERY_MS = 15_000;
const CLEAN_EVERY_MS = 3_600_000;

type Needs = Pick<Context, 'config' | 'secrets' | 'database' | 'log' | 'now'>;

/**
 * Mail by way of the outbox: `put` stores a message in the caller's transaction, so that it exists exactly if what it
 * tells of happened; sending follows, with retries. Without SMTP_URL messages stay in the outbox.
 * @param send for tests; by default through SMTP_URL
 */
export function createMail({ config, secrets, database, log, now }: Needs, send?: Send) {
  const { encryptionKey } = secrets;
  const smtp = config.smtpUrl && !send ? createSmtp(config.smtpUrl, config.mailFrom!) : undefined;
  const chosen = send ?? smtp?.send;
  const sendDue =
    chosen && createSendDue({ database: database.service, encryptionKey, send: chosen, log, now });
  let sending: Promise<unknown> = Promise.resolve();
  if (config.production && !chosen) {
    log.warn('SMTP_URL is not set: messages wait in the outbox, and no patient can confirm an address');
  }

  const look = () => {
    if (!sendDue) return;
    sending = sending
      .then(sendDue)
      .catch((error) => log.warn({ err: error }, 'the outbox could not be read; the next look tries again'));
  };
  const looking = sendDue && setInterval(look, LOOK_EVERY_MS).unref();
  const cleaning = setInterval(() => {
    removeOld(database.service, now()).catch((error) =>
      log.warn({ err: error }, 'old messages were not removed'),
    );
  }, CLEAN_EVERY_MS).unref();

  return {
    /** Whether messages leave this machine. */
    sends: chosen !== undefined,

    /** Stores a message on the transaction of `on`; call `look` once it is committed, to have it sent at once. */
    async put(on: Pick<Pool | PoolClient, 'query'>, kind: MessageKind, message: Message): Promise<void> {
      await putMessage(on, { encryptionKey }, kind, message, now());
    },

    look,

    /** What was put in the outbox last, with its text while it is there. */
    async latest(count: number) {
      const rows = await latestMessages(database.service, count);
      return rows.map(({ sealed, ...row }) => ({
        ...row,
        message: sealed && openMessage(encryptionKey, row.id, sealed),
      }));
    },

    /** Ends the looking and waits for what is being sent. */
    async close(): Promise<void> {
      clearInterval(looking);
      clearInterval(cleaning);
      await sending;
      smtp?.close();
    },
  };
}
