import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { postgresBinaries } from '../../src/database/binaries.ts';
import { databaseUser } from '../../src/database/database-user.ts';
import { startEmbedded } from '../../src/database/embedded.ts';
import { eventually, startChild } from '../support/child.ts';
import { inDatabase } from '../support/postgres-server.ts';

const linux = { skip: process.platform !== 'linux' && 'looks at /proc' };
const HOLDER = fileURLToPath(new URL('./holder.ts', import.meta.url));
const log = pino({ level: 'silent' });

const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));

let number = 0;
function newDataDir() {
  number += 1;
  return join(folder, `data-${number}`);
}

function hold(dataDir: string, env: Record<string, string> = {}) {
  return startChild(HOLDER, { env: { DATA_DIR: dataDir, ...env } });
}

/** Opens it, runs the statements, stops it again. */
async function run(dataDir: string, ...statements: string[]) {
  const { connection, stop } = await startEmbedded({ dataDir, log });
  const url = `postgres://${connection.user}:${connection.password}@localhost/${connection.database}?host=${connection.host}`;
  const results = await inDatabase(url, async (client) => {
    const rows = [];
    for (const statement of statements) rows.push((await client.query(statement)).rows);
    return rows;
  });
  await stop();
  return results;
}

/** The PostgreSQL processes that work on this data folder. */
function serversOf(dataDir: string) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(join(dataDir, 'postgres'));
    } catch {
      return false;
    }
  });
}

test('data is there again after a clean stop, and nothing else is left', linux, async () => {
  const dataDir = newDataDir();
  const holder = hold(dataDir);
  const [, sockets] = await holder.says(/open at (.*)/);
  holder.stdin.write('create table t as select 7 as n\n');
  await holder.says(/done/);
  assert.deepEqual(await holder.end('SIGTERM'), { code: 0, signal: null });
  assert.deepEqual(serversOf(dataDir), []);
  assert.equal(existsSync(sockets as string), false);
  assert.deepEqual(readdirSync(dataDir).sort(), ['lock', 'postgres', 'secrets']);
  assert.deepEqual(await run(dataDir, 'select n from t'), [[{ n: 7 }]]);
});

test('Ctrl-C, which reaches the whole process group, stops both cleanly', linux, async () => {
  const dataDir = newDataDir();
  const holder = hold(dataDir);
  await holder.says(/open at/);
  const [postmaster] = serversOf(dataDir);
  const group = (pid: string | number) =>
    execFileSync('ps', ['-o', 'pgid=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
  assert.notEqual(group(postmaster as string), group(holder.pid));
  assert.deepEqual(await holder.end('SIGINT'), { code: 0, signal: null });
  assert.deepEqual(serversOf(dataDir), []);
});

test(
  'a second start on the same folder is refused, names the first, and leaves it alone',
  linux,
  async () => {
    const dataDir = newDataDir();
    const first = hold(dataDir);
    await first.says(/open at/);
    const second = hold(dataDir);
    assert.equal((await second.end()).code, 1);
    assert.match(second.output(), new RegExp(`refused: ${dataDir} is in use by process ${first.pid}\\.`));
    first.stdin.write('select 1\n');
    await first.says(/done 1/);
    await first.end('SIGTERM');
  },
);

test('of two first starts at the same moment one makes the database and one is refused', linux, async () => {
  const dataDir = newDataDir();
  const both = [hold(dataDir), hold(dataDir)];
  const said = await Promise.all(both.map((holder) => holder.says(/open at|refused/)));
  assert.deepEqual(said.map(([word]) => word).sort(), ['open at', 'refused']);
  for (const holder of both) await holder.end('SIGTERM');
  assert.deepEqual(serversOf(dataDir), []);
});

test(
  'after kill -9 the next start has everything that was committed, and no process or folder is left',
  linux,
  async () => {
    const dataDir = newDataDir();
    const holder = hold(dataDir);
    const [, sockets] = await holder.says(/open at (.*)/);
    holder.stdin.write('create table t as select generate_series(1, 1000) as n\n');
    await holder.says(/done/);
    await holder.end('SIGKILL');
    assert.deepEqual(await run(dataDir, 'select count(*) as n from t'), [[{ n: '1000' }]]);
    assert.deepEqual(serversOf(dataDir), []);
    assert.equal(existsSync(sockets as string), false);
  },
);

test('after kill -9 of both the next start recovers what was committed', linux, async () => {
  const dataDir = newDataDir();
  const holder = hold(dataDir);
  await holder.says(/open at/);
  holder.stdin.write('create table t as select 1 as n\n');
  await holder.says(/done/);
  const servers = serversOf(dataDir);
  await holder.end('SIGKILL');
  for (const pid of servers) kill(Number(pid), 'SIGKILL');
  assert.deepEqual(await run(dataDir, 'select n from t'), [[{ n: 1 }]]);
});

test('a server that outlived its service is ended by the next start', linux, async () => {
  const dataDir = newDataDir();
  await run(dataDir, 'create table t as select 3 as n');
  const orphan = runPostgres(dataDir);
  await eventually(
    () => existsSync(join(dataDir, 'postgres/postmaster.pid')) && serversOf(dataDir).length > 0,
  );
  assert.deepEqual(await run(dataDir, 'select n from t'), [[{ n: 3 }]]);
  await eventually(() => orphan.exitCode !== null);
});

test(
  'a recorded process number that is now another process is not ended, and does not hinder',
  linux,
  async () => {
    const dataDir = newDataDir();
    await run(dataDir, 'select 1');
    const user = databaseUser(join(dataDir, 'postgres'));
    const bystander = spawn('sleep', ['600'], { ...user });
    writeFileSync(
      join(dataDir, 'postgres/postmaster.pid'),
      `${bystander.pid}\n${dataDir}/postgres\n1\n5432\n`,
    );
    assert.deepEqual(await run(dataDir, 'select 1 as n'), [[{ n: 1 }]]);
    assert.equal(bystander.exitCode ?? bystander.signalCode, null);
    bystander.kill();
  },
);

test('a first start that was cut off is begun anew by the next', linux, async () => {
  const dataDir = newDataDir();
  const holder = hold(dataDir);
  const drafts = () => readdirSync(dataDir).filter((name) => name.startsWith('.postgres-'));
  await eventually(() => existsSync(dataDir) && drafts().length > 0);
  await holder.end('SIGKILL');
  assert.deepEqual(await run(dataDir, 'select 1 as n'), [[{ n: 1 }]]);
  assert.deepEqual(drafts(), []);
});

test('a server that dies is started again, and the service goes on', linux, async () => {
  const dataDir = newDataDir();
  const { connection, pid, stop } = await startEmbedded({ dataDir, log });
  const url = `postgres://${connection.user}:${connection.password}@localhost/${connection.database}?host=${connection.host}`;
  await inDatabase(url, (client) => client.query('create table t as select 5 as n'));
  const first = pid();
  kill(first as number, 'SIGKILL');
  await eventually(async () => {
    const rows = await inDatabase(url, (client) => client.query('select n from t')).catch(() => undefined);
    return rows?.rows[0]?.n === 5;
  });
  assert.notEqual(pid(), first);
  await stop();
  assert.deepEqual(serversOf(dataDir), []);
});

test('under a folder that only root may enter the database runs, and not as root', {
  skip: linux.skip || (process.getuid?.() !== 0 && 'only root has such a folder'),
}, async () => {
  const closed = mkdtempSync(join(tmpdir(), 'closed-'));
  assert.equal(statSync(closed).mode & 0o777, 0o700);
  const dataDir = join(closed, 'data');
  const holder = hold(dataDir);
  await holder.says(/open at/);
  const [postmaster] = serversOf(dataDir);
  const status = readFileSync(`/proc/${postmaster}/status`, 'utf8');
  assert.doesNotMatch(status, /^Uid:.*\b0\b/m);
  assert.match(status, /^CapEff:\t0000000000000004$/m);
  await holder.end('SIGTERM');
  assert.deepEqual(await run(dataDir, 'select 1 as n'), [[{ n: 1 }]]);
  rmSync(closed, { recursive: true });
});

test('nobody reaches the database but through its private socket and with its password', linux, async () => {
  const dataDir = newDataDir();
  const { connection, stop } = await startEmbedded({ dataDir, log });
  const host = connection.host as string;
  assert.equal(statSync(host).mode & 0o777, 0o700);
  assert.equal(statSync(join(dataDir, 'postgres')).mode & 0o777, 0o700);
  const url = `postgres://${connection.user}:wrong@localhost/${connection.database}?host=${host}`;
  await assert.rejects(
    inDatabase(url, (client) => client.query('select 1')),
    { code: '28P01' },
  );
  const right = url.replace(':wrong@', `:${connection.password}@`);
  const shown = await inDatabase(right, (client) =>
    client.query(
      "select name, setting from pg_settings where name in ('listen_addresses','fsync','synchronous_commit','full_page_writes') order by 1",
    ),
  );
  assert.deepEqual(
    shown.rows.map(({ setting }) => setting),
    ['on', 'on', '', 'on'],
  );
  await stop();
});

test('what people wrote does not reach the log of the database', linux, async () => {
  const lines: string[] = [];
  const spy = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const { connection, stop } = await startEmbedded({ dataDir: newDataDir(), log: spy });
  const url = `postgres://${connection.user}:${connection.password}@localhost/${connection.database}?host=${connection.host}`;
  await inDatabase(url, async (client) => {
    await client.query('create table t (nhs_number text primary key)');
    for (const _ of [1, 2])
      await client.query('insert into t values ($1)', ['9990000018']).catch(() => undefined);
    await client.query("select 'Mary Brown'::int").catch(() => undefined);
    await client.query("do $$ begin raise warning 'Mary Brown'; end $$");
  });
  await stop();
  assert.ok(lines.length > 0);
  assert.doesNotMatch(lines.join(''), /9990000018|Mary Brown/);
});

test('a folder whose password was lost is told of, not opened', linux, async () => {
  const dataDir = newDataDir();
  await run(dataDir, 'select 1');
  rmSync(join(dataDir, 'secrets'), { recursive: true });
  await assert.rejects(startEmbedded({ dataDir, log }), { code: 'DATABASE_PASSWORD' });
  assert.deepEqual(serversOf(dataDir), []);
});

function kill(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}

/** A server on that folder that no service looks after. */
function runPostgres(dataDir: string) {
  const dataPath = join(dataDir, 'postgres');
  return spawn(postgresBinaries().postgres, ['-D', dataPath, '-c', 'listen_addresses=', '-k', '/tmp'], {
    ...databaseUser(dataPath),
    cwd: '/',
    stdio: 'ignore',
  });
}
