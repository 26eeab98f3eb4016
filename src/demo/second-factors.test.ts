import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDatabase } from '../../test/support/database.ts';
import { resetSecondFactor } from '../sign-in/recovery/reset.ts';
import { openTotpSecret, secretOf } from '../sign-in/totp.ts';
import { inTransaction } from '../systems/in-transaction.ts';
import { setUpSecondFactors } from './second-factors.ts';
import { generateWorld } from './world.ts';

const KEY = Buffer.alloc(32, 7);

test('demo people get the second factor they lack at a start, and not one that an operator took away', () =>
  withDatabase(async ({ database }) => {
    const world = generateWorld({ today: '2026-11-22', patients: 1, resourcesPerPatient: 1 });
    const person = world.staff.find(({ totpSecret }) => totpSecret)!;
    const { id, email, name } = person;
    await database.owner.query(
      `insert into account (id, email, name, password_hash) values ($1, $2, $3, '-')`,
      [id, email, name],
    );
    const start = async () => {
      await setUpSecondFactors({ database, secrets: { encryptionKey: KEY } as never }, world);
      const { rows } = await database.owner.query('select totp_secret from account where id = $1', [id]);
      return rows[0].totp_secret as Buffer | null;
    };
    const given = await start();
    assert.deepEqual(openTotpSecret(KEY, id, given!), secretOf(person.totpSecret!));
    assert.deepEqual(await start(), given, 'one that is there stays');
    const wanted = { email, passwordHash: '-', now: new Date() };
    await inTransaction(database.service, (client) => resetSecondFactor(client, wanted));
    assert.equal(await start(), null);
  }));
