import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { type LaunchApp, launchApp, launchWorld, signedInTo } from '../../test/support/launch-app.ts';
import {
  CONNECT,
  connectBySigningIn,
  copyableValue,
  linkWriter,
  setUpLink,
} from '../../test/support/launch-link.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { disableAccount, enableAccount } from '../sign-in/recovery/disable-account.ts';
import { resetPassword, resetSecondFactor } from '../sign-in/recovery/reset.ts';
import { inTransaction } from '../systems/in-transaction.ts';
import { createConfirm } from './confirm.ts';

const EMAIL = 'pat@example.org';
type Act = (client: Parameters<typeof disableAccount>[0]) => Promise<unknown>;

describe('launches of an account that an operator disables or resets', () => {
  let db: TestDatabase;
  let app: LaunchApp;
  let link: Awaited<ReturnType<typeof linkWriter>>;
  let account: Record<string, unknown>;

  before(async () => {
    db = await testDatabase();
    app = await launchApp(db.database);
    await launchWorld(db.database);
    const { keyId } = await setUpLink(await signedInTo(app, 'cora@example.org'));
    link = await linkWriter(app, db, keyId);
    const { rows } = await db.database.owner.query('select * from account where email = $1', [EMAIL]);
    account = rows[0];
  });
  after(async () => {
    await app?.app.close();
    await db?.stop();
  });
  beforeEach(async () => {
    app.reset();
    const owner = db.database.owner;
    for (const table of [
      'launch_request',
      'launch_use',
      'launch_pairing_device',
      'launch_pairing',
      'staff_session',
      'attempt',
    ])
      await owner.query(`delete from ${table}`);
    await owner.query('update launch_credential set ended_at = now() where ended_at is null');
    await owner.query(
      `update account set disabled_at = null, totp_last_step = null, totp_secret = $2, password_hash = $3,
                          password_expires_at = null where email = $1`,
      [EMAIL, account.totp_secret, account.password_hash],
    );
  });

  const disable: Act = (client) => disableAccount(client, EMAIL, app.clock.now);
  const enable: Act = (client) => enableAccount(client, EMAIL, app.clock.now);
  const wanted = () => ({ email: EMAIL, passwordHash: 'of a one-time password', now: app.clock.now });
  const resetFactor: Act = (client) => resetSecondFactor(client, wanted());
  const ENDINGS = { disabled: disable, reset: resetFactor };
  const operate = (act: Act) => inTransaction(db.database.service, act) as Promise<{ ended: object }>;

  const located = (answer: { headers: Record<string, unknown> }) => String(answer.headers.location);
  const opens = (answer: { headers: Record<string, unknown> }) => /^\/record\?/.test(located(answer));
  async function connected() {
    const client = app.client();
    await connectBySigningIn(client, link(), EMAIL);
    client.cookies.delete('session');
    return client;
  }
  async function madeCodes() {
    const client = await signedInTo(app, EMAIL);
    await client.get('/account/systmone');
    const { body } = await client.post('/account/systmone/codes');
    return { first: copyableValue(body, 'first-code'), second: copyableValue(body, 'second-code') };
  }
  async function atConnect(client = app.client()) {
    await client.get(link());
    await client.get(CONNECT);
    return client;
  }
  const typeCodes = (client: PageClient, codes: { first: string; second: string }) =>
    client.post(`${CONNECT}/codes`, codes);
  const standing = async () => {
    const { rows } = await db.database.owner.query(
      `select (select count(*)::int from launch_pairing where ended_at is null) as pairings,
              (select count(*)::int from launch_credential where ended_at is null and used_at is null) as codes`,
    );
    return rows[0];
  };

  for (const [how, act] of Object.entries(ENDINGS)) {
    it(`close the record on the screen, and open none, once it is ${how}`, async () => {
      const client = await connected();
      const opened = await client.get(link());
      assert.equal((await client.get(located(opened))).statusCode, 200);
      assert.deepEqual((await operate(act)).ended, { sessions: 2, codes: 0, pairings: 1, identities: 0 });
      assert.match(located(await client.get(located(opened))), /^\/sign-in/);
      assert.equal(located(await client.get(link())), CONNECT);
      assert.equal(app.launches().at(-1)?.outcome, 'not-paired');
    });

    it(`are connected by no codes that were made before it was ${how}`, async () => {
      const codes = await madeCodes();
      assert.deepEqual((await operate(act)).ended, { sessions: 1, codes: 1, pairings: 0, identities: 0 });
      assert.equal((await typeCodes(await atConnect(), codes)).statusCode, 422);
      assert.deepEqual(await standing(), { pairings: 0, codes: 0 });
    });

    it(`are not connected by who was just doing so, by signing in or with codes, while it was ${how}`, async () => {
      const signedIn = app.client();
      await signedIn.get(link());
      await signedIn.get(CONNECT);
      await signedIn.post('/sign-in', {
        email: EMAIL,
        password: 'correct horse battery staple',
        next: CONNECT,
      });
      await signedIn.get(CONNECT);
      const codes = await madeCodes();
      const typing = await atConnect();
      const making = await signedInTo(app, EMAIL);
      await making.get('/account/systmone');

      const late = await meanwhile(act, [
        () => signedIn.post(CONNECT),
        () => typeCodes(typing, codes),
        () => making.post('/account/systmone/codes'),
      ]);
      assert.ok(!late.some(opens), late.map(located).join(' '));
      assert.deepEqual(await standing(), { pairings: 0, codes: 0 });
    });
  }

  it('are not connected with codes that were typed just before, and had yet to make the connection', async () => {
    await madeCodes();
    const launched = await atConnect();
    const { rows } = await db.database.owner.query(
      `update launch_credential set used_at = $1 where ended_at is null returning id, account_id as "accountId"`,
      [app.clock.now],
    );
    const { confirm } = createConfirm(app.context);
    const visitor = { address: '192.0.2.1', requestId: 'x', userAgent: '', deviceCookie: undefined };
    const who = { accountId: rows[0].accountId, method: 'codes', credentialId: rows[0].id } as const;
    await operate(resetFactor);
    const token = launched.cookies.get('launch');
    assert.deepEqual(await confirm(token, who, visitor), { outcome: 'request-gone' });
    await db.database.owner.query('update launch_credential set ended_at = null where id = $1', [rows[0].id]);
    assert.equal((await confirm(token, who, visitor)).outcome, 'allowed', 'it was for this alone');
  });

  /** What requests are answered that come when `act` has been done and is about to be committed. */
  async function meanwhile(act: Act, requests: (() => Promise<{ headers: Record<string, unknown> }>)[]) {
    const client = await db.database.owner.connect();
    try {
      await client.query('begin');
      await act(client);
      const answers = requests.map((request) => request());
      await waiting(requests.length);
      await client.query('commit');
      return await Promise.all(answers);
    } finally {
      client.release();
    }
  }

  /** Until so many statements wait for a lock. */
  async function waiting(count: number) {
    for (;;) {
      const { rows } = await db.database.owner.query(
        `select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (rows[0].n >= count) return;
    }
  }

  it('are to be connected anew once it is enabled again', async () => {
    const client = await connected();
    const codes = await madeCodes();
    await operate(disable);
    await operate(enable);
    assert.equal(located(await client.get(link())), CONNECT);
    assert.equal((await typeCodes(await atConnect(), codes)).statusCode, 422);
    assert.ok(opens(await connectBySigningIn(app.client(), link(), EMAIL)));
  });

  it('go on in a browser that was connected when only the password is reset', async () => {
    const client = await connected();
    const codes = await madeCodes();
    const { ended } = await operate((on) => resetPassword(on, wanted()));
    assert.deepEqual(ended, { sessions: 2, codes: 1, pairings: 0, identities: 0 });
    assert.equal((await typeCodes(await atConnect(), codes)).statusCode, 422);
    assert.ok(opens(await client.get(link())));
  });
});
