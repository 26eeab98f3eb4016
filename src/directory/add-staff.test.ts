import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { inTransaction } from '../systems/in-transaction.ts';
import { addOrganisation } from './add-organisation.ts';
import { addStaff, endStaff } from './add-staff.ts';
import { companyNamed } from './company-named.ts';
import { emailOf, nameOf, odsCodeOf } from './details.ts';
import { DirectoryError } from './directory-error.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(() => db.stop());

const inside = <T>(act: Parameters<typeof inTransaction<T>>[1]) => inTransaction(db.database.service, act);
const code = (wanted: string) => (error: unknown) => error instanceof DirectoryError && error.code === wanted;
const person = (odsCode: string, email: string, role = 'professional') => ({
  odsCode,
  email,
  role,
  name: 'Pat Smith',
  passwordHash: 'a hash',
});
const organisation = (odsCode: string) =>
  inside((client) => addOrganisation(client, { odsCode, name: 'Harbour' }));
const outcomes = async (acts: Promise<unknown>[]) =>
  (await Promise.allSettled(acts))
    .map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code))
    .sort();

test('of those who add one organisation at once, one does and the others are told', async () => {
  const all = await outcomes([organisation('ONE1'), organisation('one1'), organisation(' ONE1')]);
  assert.deepEqual(all, ['ORGANISATION_EXISTS', 'ORGANISATION_EXISTS', 'done']);
});

test('a person who is added twice at once has one account and one role', async () => {
  await organisation('TWO2');
  const add = () => inside((client) => addStaff(client, person('TWO2', 'Pat@example.org')));
  assert.deepEqual(await outcomes([add(), add(), add()]), ['STAFF_ROLE_HELD', 'STAFF_ROLE_HELD', 'done']);
  const { rows } = await db.database.owner.query(
    `select a.email, r.role from account a join staff_role r on r.account_id = a.id where a.email ilike 'pat@%'`,
  );
  assert.deepEqual(rows, [{ email: 'pat@example.org', role: 'professional' }]);
});

test('an account keeps its password and its name when it is given another role', async () => {
  await organisation('THREE3');
  await organisation('FOUR4');
  const first = await inside((client) => addStaff(client, person('THREE3', 'kept@example.org')));
  const second = await inside((client) =>
    addStaff(client, { ...person('FOUR4', 'kept@example.org'), name: 'Other', passwordHash: 'another' }),
  );
  assert.deepEqual([first.isNewAccount, second.isNewAccount], [true, false]);
  assert.deepEqual([second.accountId, second.name], [first.accountId, 'Pat Smith']);
  const { rows } = await db.database.owner.query('select password_hash from account where id = $1', [
    first.accountId,
  ]);
  assert.equal(rows[0].password_hash, 'a hash');
});

test('a role that ended may be given again, as another', async () => {
  await organisation('FIVE5');
  const email = 'again@example.org';
  await inside((client) => addStaff(client, person('FIVE5', email, 'administrator')));
  const end = () => inside((client) => endStaff(client, { odsCode: 'FIVE5', email }));
  assert.equal((await end()).administratorsLeft, 0);
  await assert.rejects(end, code('STAFF_ROLE_UNKNOWN'));
  const { accountId } = await inside((client) => addStaff(client, person('FIVE5', email, 'coordinator')));
  const { rows } = await db.database.owner.query(
    'select role, ended_at from staff_role where account_id = $1',
    [accountId],
  );
  assert.deepEqual(rows, [{ role: 'coordinator', ended_at: null }]);
});

test('an account that is disabled gets no role, and nobody gets one where there is no organisation', async () => {
  await organisation('SIX6');
  await inside((client) => addStaff(client, person('SIX6', 'gone@example.org')));
  await inside((client) => endStaff(client, { odsCode: 'SIX6', email: 'gone@example.org' }));
  await db.database.owner.query(`update account set disabled_at = now() where email = 'gone@example.org'`);
  const add = (odsCode: string) => inside((client) => addStaff(client, person(odsCode, 'gone@example.org')));
  await assert.rejects(add('SIX6'), code('ACCOUNT_DISABLED'));
  await assert.rejects(add('NONE0'), code('ORGANISATION_UNKNOWN'));
});

test('a company that is named twice, even at once, is one company', async () => {
  const names = ['Example Ltd', ' example  ltd', 'EXAMPLE LTD', 'Example\u00a0Ltd'];
  const ids = await Promise.all(names.map((name) => inside((client) => companyNamed(client, name))));
  assert.equal(new Set(ids).size, 1);
});

test('whatever is typed is refused with its reason, or kept as the database and sign-in compare it', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      for (const [read, rule] of [
        [odsCodeOf, /^[A-Z0-9]{3,10}$/],
        [emailOf, /^[^@A-Z\s]+@[^@A-Z\s]+$/],
        [(typed: string) => nameOf('The name', typed), /^\S(.*\S)?$/u],
      ] as const) {
        try {
          const kept = read(text);
          assert.match(kept, rule);
          assert.equal(read(kept), kept);
        } catch (error) {
          assert.ok(code('DETAILS_INVALID')(error), String(error));
        }
      }
    }),
  ));
