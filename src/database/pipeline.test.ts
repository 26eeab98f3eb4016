import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { testDatabase } from '../../test/support/database.ts';
import { createPipeline } from './pipeline.ts';
import { isUnavailable } from './unavailable.ts';

const db = await testDatabase();
after(() => db.stop());

function pipeline(options?: Parameters<typeof createPipeline>[1]) {
  const made = createPipeline(db.database.newClient, options);
  after(() => made.end());
  return made;
}

const ECHO = { name: 'echo', text: 'select $1::integer as n, pg_backend_pid() as pid' };

it('gives each of many statements sent at once its own answer, on a few connections', async () => {
  const { query } = pipeline({ connections: 2 });
  const asked = Array.from({ length: 500 }, (_, n) => n);
  const answers = await Promise.all(asked.map((n) => query({ ...ECHO, values: [n] })));
  assert.deepEqual(
    answers.map(({ rows }) => rows[0]?.n),
    asked,
  );
  assert.equal(new Set(answers.map(({ rows }) => rows[0]?.pid)).size, 2);
});

it('keeps what one statement opens for itself from those that are sent with it', async () => {
  const { query } = pipeline({ connections: 1 });
  const opens = {
    name: 'opens',
    text: `select set_config('app.organisation', $1, true) as opened, txid_current() as transaction`,
  };
  const looks = {
    name: 'looks',
    text: `select current_setting('app.organisation', true) as opened, txid_current() as transaction`,
  };
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0 ? query({ ...opens, values: [`organisation ${n}`] }) : query(looks),
    ),
  );
  for (const [n, { rows }] of answers.entries()) {
    assert.equal(rows[0]?.opened || null, n % 2 === 0 ? `organisation ${n}` : null);
  }
  assert.equal(new Set(answers.map(({ rows }) => rows[0]?.transaction)).size, 100);
});

it('lets a statement fail without harm to those before and behind it', async () => {
  const { query } = pipeline({ connections: 1 });
  const divide = { name: 'divide', text: 'select 12 / $1::integer as result' };
  const answers = await Promise.allSettled([4, 0, 3, 0].map((by) => query({ ...divide, values: [by] })));
  assert.deepEqual(
    answers.map((one) => (one.status === 'fulfilled' ? one.value.rows[0]?.result : one.reason.code)),
    [3, '22012', 4, '22012'],
  );
});

it('works as the service, whom row-level security binds', async () => {
  const { rows } = await pipeline().query({ name: 'who', text: 'select current_user as name' });
  assert.equal(rows[0]?.name, 'cs_service');
});

it('makes a lost connection again, and says of what was under way that it is to be tried later', async () => {
  const { query } = pipeline({ connections: 1 });
  const [before] = (await query({ ...ECHO, values: [1] })).rows;
  const underWay = query({ name: 'sleep', text: 'select pg_sleep(30)' });
  const broken = assert.rejects(underWay, isUnavailable);
  await db.database.owner.query('select pg_terminate_backend($1)', [before?.pid]);
  await broken;
  const [later] = (await query({ ...ECHO, values: [2] })).rows;
  assert.equal(later?.n, 2);
  assert.notEqual(later?.pid, before?.pid);
});

it('turns away what comes on top of very many', async () => {
  const { query } = pipeline({ connections: 1, inFlightMax: 3 });
  const answers = await Promise.allSettled([1, 2, 3, 4].map((n) => query({ ...ECHO, values: [n] })));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
  assert.ok(answers[3]?.status === 'rejected' && isUnavailable(answers[3].reason));
  assert.equal((await query({ ...ECHO, values: [5] })).rows[0]?.n, 5);
});

it('says that it cannot connect, and connects once it can', async () => {
  let away = true;
  const { query, end } = createPipeline(
    (options) =>
      db.database.newClient({
        ...options,
        ...(away && { connectionString: 'postgres://nobody@127.0.0.1:1/none' }),
      }),
    { connections: 1 },
  );
  await assert.rejects(query({ ...ECHO, values: [1] }), isUnavailable);
  away = false;
  assert.equal((await query({ ...ECHO, values: [2] })).rows[0]?.n, 2);
  await end();
});
