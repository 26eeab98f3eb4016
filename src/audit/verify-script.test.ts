import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../../test/support/child.ts';
import { withDatabase } from '../../test/support/database.ts';
import { auditOf, entryOf } from './test-support.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/verify-audit.ts', import.meta.url));

async function run(env: Record<string, string>, ...args: string[]) {
  const child = startChild(SCRIPT, { env: { DATA_DIR: '/nonexistent', ...env }, args });
  const { code } = await child.end();
  return { code, output: child.output() };
}

test('audit:verify prints a line for each chain and ends with 0, and with 1 once a record was altered', () =>
  withDatabase(async (db) => {
    const auditKey = randomBytes(32);
    const env = { DATABASE_URL: db.url, AUDIT_KEY: auditKey.toString('base64') };
    const chains = [];
    for (const _ of [1, 2]) {
      const audit = auditOf(db, { auditKey, now: () => new Date('2026-11-22T09:47:19.123Z') });
      await audit.record(entryOf());
      chains.push(audit.health().chain);
      await audit.close();
    }
    const period = '2026-11-22T09:47:19.123Z to 2026-11-22T09:47:19.123Z';
    // Two chains of one millisecond come in either order.
    const sound = await run(env);
    assert.equal(sound.code, 0, sound.output);
    for (const chain of chains)
      assert.ok(sound.output.includes(`${chain}  3 records  ${period}  ok\n`), sound.output);
    assert.match(sound.output, /2 chains, 6 records: ok\n$/);

    const { rows } = await db.database.owner.query(
      `select chain || ':' || sequence || ':' || encode(hash, 'hex') as name from audit_record
        where chain = $1 and sequence = 3`,
      [chains[1]],
    );
    await db.database.owner.query('alter table audit_record disable trigger user');
    await db.database.owner.query('alter table audit_checkpoint disable trigger user');
    await db.database.owner.query('delete from audit_record where chain = $1 and sequence = 3', [chains[1]]);
    await db.database.owner.query('delete from audit_checkpoint where chain = $1 and sequence = 3', [
      chains[1],
    ]);
    assert.equal((await run(env, rows[0].name)).code, 1, 'what was kept elsewhere shows what is gone');

    await db.database.owner.query('update audit_record set status = 403 where sequence = 2');
    const altered = await run(env);
    assert.equal(altered.code, 1);
    assert.match(altered.output, /BROKEN at record 2: the record was altered/);
    assert.match(altered.output, /2 chains, 5 records: 2 BROKEN\n$/);
  }));

test('audit:verify ends with 2, and says why, when it cannot tell', async () => {
  for (const [env, args, says] of [
    [{}, [], /there is nothing in \/nonexistent/],
    [
      { DATABASE_URL: 'postgres://127.0.0.1:1/none', AUDIT_KEY: randomBytes(32).toString('base64') },
      [],
      /database/,
    ],
    [{}, ['not-a-name'], /chain:sequence:hash/],
  ] as const) {
    const { code, output } = await run(env, ...args);
    assert.equal(code, 2);
    assert.match(output, says);
  }
});
