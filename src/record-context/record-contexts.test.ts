import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { addOrganisation, addStaff } from '../../test/support/sign-in-app.ts';
import { createRecordContexts, recordPath } from './record-contexts.ts';

let db: TestDatabase;
let organisationId: string;
let accountId: string;
const clock = { now: new Date('2026-11-22T09:00:00Z') };
const contexts = () => createRecordContexts({ database: db.database.service, now: () => clock.now });

before(async () => {
  db = await testDatabase();
  organisationId = await addOrganisation(db.database, 'ZX1', 'Harbour Trust');
  accountId = await addStaff(db.database, {
    email: 'a@example.org',
    roles: [[organisationId, 'professional']],
  });
});
after(() => db?.stop());

async function session(): Promise<string> {
  const id = randomUUID().replaceAll('-', '').repeat(2);
  await db.database.owner.query(
    `insert into staff_session (id_hash, account_id, organisation_id, csrf_token, created_at, last_seen_at, expires_at)
     values (decode($1, 'hex'), $2, $3, 'x', now(), now(), now() + interval '1 hour')`,
    [id, accountId, organisationId],
  );
  return id;
}
const opening = (sessionId: string, patientId: string = randomUUID()) => ({
  sessionId,
  accountId,
  organisationId,
  patientId,
  locked: true,
  breakGlass: false,
  openedBy: 'systmone' as const,
});
const asking = (sessionId: string, query: Record<string, unknown> = {}, staff = {}) =>
  ({ query, staff: { sessionId, accountId, organisationId, ...staff } }) as unknown as FastifyRequest;

it('gives a session the record it opened, by its address or the latest', async () => {
  const id = await session();
  const first = await contexts().openContext(opening(id));
  clock.now = new Date(clock.now.getTime() + 1000);
  const second = await contexts().openContext(opening(id));
  assert.deepEqual(await contexts().currentContext(asking(id)), second);
  assert.deepEqual(await contexts().currentContext(asking(id, { c: first.id })), first);
  assert.equal(recordPath(first, 'letters'), `/record?section=letters&c=${first.id}`);
});

it("gives nobody another session's, another account's or another organisation's", async () => {
  const id = await session();
  const { id: c } = await contexts().openContext(opening(id));
  const elsewhere = await addOrganisation(db.database, 'ZX2', 'Moor Surgery');
  for (const request of [
    asking(await session(), { c }),
    asking(id, { c }, { accountId: randomUUID() }),
    asking(id, { c }, { organisationId: elsewhere }),
    asking(id, { c: 'A'.repeat(22) }),
    asking(id, { c: [c, c] }),
    asking(id, { c: '' }),
    { query: { c }, staff: null } as unknown as FastifyRequest,
  ]) {
    assert.equal(await contexts().currentContext(request), null);
  }
});

it('closes after four hours, when told to, and with the session', async () => {
  const id = await session();
  const { id: c } = await contexts().openContext(opening(id));
  clock.now = new Date(clock.now.getTime() + 4 * 3600 * 1000 + 1);
  assert.equal(await contexts().currentContext(asking(id, { c })), null);

  const { id: closed } = await contexts().openContext(opening(id));
  await contexts().closeContexts(id);
  assert.equal(await contexts().currentContext(asking(id, { c: closed })), null);

  await contexts().openContext(opening(id));
  await db.database.owner.query('delete from staff_session where account_id = $1', [accountId]);
  const { rows } = await db.database.owner.query('select from record_context');
  assert.equal(rows.length, 0);
});

it('goes on when the session gets a new id', async () => {
  const id = await session();
  const { patientId } = await contexts().openContext(opening(id));
  const renewed = randomUUID().replaceAll('-', '').repeat(2);
  await db.database.service.query(
    `update staff_session set id_hash = decode($2, 'hex') where id_hash = decode($1, 'hex')`,
    [id, renewed],
  );
  assert.equal((await contexts().currentContext(asking(renewed)))?.patientId, patientId);
  assert.equal(await contexts().currentContext(asking(id)), null);
});
