import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { isMigrated, migrate } from './migrate.ts';

const log = pino({ level: 'silent' });
let db: TestDatabase;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
});
after(() => rm(folder, { recursive: true }));

/** A database without any migration, and a folder with these. */
async function given(...files: [string, string][]) {
  db = await testDatabase({ migrated: false });
  await rm(folder, { recursive: true });
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  for (const [name, sql] of files) await writeFile(join(folder, name), sql);
}

const FIRST: [string, string] = ['0001-first.sql', 'create table a (n int); insert into a values (1);'];
const SECOND: [string, string] = ['0002-second.sql', 'insert into a values (2);'];

test('migrations run once, in order, and a later one is added to them', async () => {
  await given(FIRST);
  assert.deepEqual(await migrate(db.database.owner, log, folder), ['0001-first']);
  await writeFile(join(folder, SECOND[0]), SECOND[1]);
  assert.equal(await isMigrated(db.database.owner, folder), false);
  assert.deepEqual(await migrate(db.database.owner, log, folder), ['0002-second']);
  assert.deepEqual(await migrate(db.database.owner, log, folder), []);
  assert.equal(await isMigrated(db.database.owner, folder), true);
  assert.deepEqual((await db.database.owner.query('select n from a order by n')).rows, [{ n: 1 }, { n: 2 }]);
  await db.stop();
});

test('processes that start at the same time run each migration once', async () => {
  await given(FIRST, SECOND);
  const runs = await Promise.all([1, 2].map(() => migrate(db.database.owner, log, folder)));
  assert.deepEqual(runs.flat().sort(), ['0001-first', '0002-second']);
  await db.stop();
});

test('a migration that fails leaves nothing of itself, and those before it stand', async () => {
  await given(FIRST, ['0002-second.sql', 'insert into a values (2);\ninsert into nowhere values (1);']);
  await assert.rejects(migrate(db.database.owner, log, folder), {
    code: 'MIGRATION_FAILED',
    message: /0002-second failed \(line 2\): relation "nowhere" does not exist/,
  });
  assert.deepEqual((await db.database.owner.query('select n from a')).rows, [{ n: 1 }]);
  await writeFile(join(folder, SECOND[0]), SECOND[1]);
  assert.deepEqual(await migrate(db.database.owner, log, folder), ['0002-second']);
  await db.stop();
});

test('a migration that was altered after it ran is refused', async () => {
  await given(FIRST);
  await migrate(db.database.owner, log, folder);
  await writeFile(join(folder, FIRST[0]), `${FIRST[1]} -- a later thought`);
  await assert.rejects(migrate(db.database.owner, log, folder), { code: 'MIGRATION_ALTERED' });
  assert.equal(await isMigrated(db.database.owner, folder), false);
  await db.stop();
});

test('a database from a newer version is refused, and left as it is', async () => {
  await given(FIRST, SECOND);
  await migrate(db.database.owner, log, folder);
  await rm(join(folder, SECOND[0]));
  await assert.rejects(migrate(db.database.owner, log, folder), {
    code: 'DATABASE_NEWER',
    message: /0002-second/,
  });
  await db.stop();
});

test('a number used twice or a stray name is refused before anything runs', async () => {
  for (const name of ['0001-other.sql', 'second.sql']) {
    await given(FIRST, [name, 'select 1']);
    await assert.rejects(migrate(db.database.owner, log, folder), new RegExp(`migration ${name} is not`));
    assert.deepEqual((await db.database.owner.query("select to_regclass('a') as a")).rows, [{ a: null }]);
    await db.stop();
  }
});

test('a number may be left out, and one that comes late still runs', async () => {
  await given(FIRST, ['0003-third.sql', 'insert into a values (3);']);
  await migrate(db.database.owner, log, folder);
  await writeFile(join(folder, SECOND[0]), SECOND[1]);
  assert.equal(await isMigrated(db.database.owner, folder), false);
  assert.deepEqual(await migrate(db.database.owner, log, folder), ['0002-second']);
  await db.stop();
});
