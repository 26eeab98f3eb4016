import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import pino from 'pino';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { smtpServer } from '../../test/support/smtp-server.ts';
import type { Config } from '../config.ts';
import type { Secrets } from '../secrets.ts';
import { createMail } from './mail.ts';
import { isEmailAddress, type Message } from './message.ts';
import { openMessage, sealMessage } from './seal.ts';
import { createSendDue, RETRY_AFTER_SECONDS } from './send-due.ts';
import { createSmtp } from './smtp.ts';

const KEY = Buffer.alloc(32, 7);
const log = pino({ level: 'silent' });
const message: Message = {
  to: 'nia@example.org',
  subject: 'Hello',
  text: 'https://service.test/secret-link',
};

describe('mail', () => {
  let db: TestDatabase;
  const clock = { now: new Date('2026-11-22T09:00:00Z') };
  const now = () => clock.now;
  const later = (seconds: number) => {
    clock.now = new Date(clock.now.getTime() + seconds * 1000);
  };
  before(async () => {
    db = await testDatabase();
  });
  after(() => db.stop());
  beforeEach(() => db.database.owner.query('delete from outbox'));

  function mail(send?: (message: Message) => Promise<void>) {
    const needs = {
      config: {} as Config,
      secrets: { encryptionKey: KEY } as Secrets,
      database: db.database,
      log,
      now,
    };
    return createMail(needs, send);
  }
  const sendDue = (send: (message: Message) => Promise<void>) =>
    createSendDue({ database: db.database.service, encryptionKey: KEY, send, log, now });
  const rows = async () => (await db.database.owner.query('select * from outbox order by created_at')).rows;

  it('keeps a message exactly if the transaction that caused it is kept', async () => {
    const { put, close } = mail();
    const client = await db.database.service.connect();
    await client.query('begin');
    await put(client, 'joined', message);
    await client.query('rollback');
    assert.equal((await rows()).length, 0);
    await client.query('begin');
    await put(client, 'joined', message);
    await client.query('commit');
    client.release();
    assert.equal((await rows()).length, 1);
    await close();
  });

  it('keeps neither address nor text in the clear, and no text at all once it is sent', async () => {
    const { put, close, latest } = mail();
    await put(db.database.service, 'joined', message);
    const [stored] = await rows();
    assert.doesNotMatch(JSON.stringify(stored) + stored.sealed.toString('latin1'), /nia|Hello|secret-link/);
    assert.deepEqual((await latest(5))[0]?.message, message);
    assert.equal(await sendDue(async () => {})(), 1);
    assert.equal((await rows())[0].sealed, null);
    await close();
  });

  it('sends each message once, however many processes look', async () => {
    const { put, close } = mail();
    for (let made = 0; made < 25; made++) {
      await put(db.database.service, 'joined', { ...message, subject: `n${made}` });
    }
    const sent: string[] = [];
    const send = async ({ subject }: Message) => void sent.push(subject);
    await Promise.all([sendDue(send)(), sendDue(send)(), sendDue(send)()]);
    assert.equal(sent.length, 25);
    assert.equal(new Set(sent).size, 25);
    await close();
  });

  it('tries again with longer and longer waits, then gives up and forgets the text', async () => {
    const { put, close } = mail();
    await put(db.database.service, 'joined', message);
    let tries = 0;
    const failing = sendDue(async () => {
      tries++;
      throw Object.assign(new Error('for nia@example.org'), { code: 'ECONNREFUSED' });
    });
    for (const seconds of RETRY_AFTER_SECONDS) {
      await failing();
      const before = tries;
      later(seconds - 1);
      await failing();
      assert.equal(tries, before, 'not before its time');
      later(1);
    }
    await failing();
    const [given] = await rows();
    assert.equal(tries, RETRY_AFTER_SECONDS.length + 1);
    assert.ok(given.failed_at);
    assert.equal(given.sealed, null);
    assert.equal(given.error, 'ECONNREFUSED');
    later(100_000);
    await failing();
    assert.equal(tries, RETRY_AFTER_SECONDS.length + 1);
    await close();
  });

  it('is taken up by others when the process that took it dies', async () => {
    const { put, close } = mail();
    await put(db.database.service, 'joined', message);
    const stuck = sendDue(() => new Promise(() => {}));
    void stuck();
    while ((await rows())[0].attempts === 0) await new Promise(setImmediate);
    const sent: Message[] = [];
    const other = sendDue(async (one) => void sent.push(one));
    await other();
    assert.equal(sent.length, 0);
    later(121);
    await other();
    assert.deepEqual(sent, [message]);
    await close();
  });

  it('cannot be moved to another message or opened with another key', () => {
    const sealed = sealMessage(KEY, 'one', message);
    assert.deepEqual(openMessage(KEY, 'one', sealed), message);
    assert.throws(() => openMessage(KEY, 'two', sealed));
    assert.throws(() => openMessage(Buffer.alloc(32, 8), 'one', sealed));
    sealed[20]! ^= 1;
    assert.throws(() => openMessage(KEY, 'one', sealed));
  });

  it('leaves through a mail server, to one address, marked as sent by a machine', async () => {
    const server = await smtpServer();
    const { send, close } = createSmtp(server.url, 'service@example.org');
    await send({ to: 'nia@example.org', subject: 'Grüße\r\nBcc: eve@example.org', text: 'one\ntwo' }, 'id-1');
    const [{ to, data } = { to: [], data: '' }] = server.received;
    assert.deepEqual(to, ['nia@example.org']);
    assert.match(data, /^Auto-Submitted: auto-generated$/m);
    assert.match(data, /^Message-ID: <id-1@connected-systems>$/m);
    assert.doesNotMatch(data, /^Bcc/m);
    server.answers.rcpt = '550 no such person';
    await assert.rejects(
      send(message, 'id-2'),
      (error: { responseCode?: number }) => error.responseCode === 550,
    );
    close();
    await server.stop();
  });

  it('does not try an address again that the mail server says there is none of', async () => {
    const { put, close } = mail();
    await put(db.database.service, 'joined', message);
    await sendDue(async () => {
      throw Object.assign(new Error('no'), { code: 'EENVELOPE', responseCode: 550 });
    })();
    assert.ok((await rows())[0].failed_at);
    await close();
  });
});

it('takes one plain address for an address', () => {
  for (const good of ['nia@example.org', "o'neil+nhs@mail.example.co.uk", 'ä@example.org']) {
    assert.equal(isEmailAddress(good), true, good);
  }
  const bad = [
    '',
    'nia',
    'nia@',
    '@example.org',
    'nia@example',
    'a@b.org,c@d.org',
    'a b@example.org',
    'a@b.org\r\nBcc: c@d.org',
  ];
  for (const text of [...bad, `${'x'.repeat(250)}@example.org`, '<a@b.org>', 'a@-b.org', 'a@b..org']) {
    assert.equal(isEmailAddress(text), false, text);
  }
});
