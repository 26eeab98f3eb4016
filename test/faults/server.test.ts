import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { startEmbedded } from '../../src/database/embedded.ts';
import { type Child, eventually, startChild } from '../support/child.ts';
import { inDatabase } from '../support/postgres-server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));
const linux = { skip: process.platform !== 'linux' && 'looks at /proc' };

const folder = mkdtempSync(join(tmpdir(), 'server-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let number = 0;
function newDataDir() {
  number += 1;
  return join(folder, `data-${number}`);
}

/** The service as its own process, on a free port, without the demo. */
function serve(dataDir: string, env: Record<string, string> = {}) {
  return startChild(SERVER, { env: { DATA_DIR: dataDir, PORT: '0', DEMO: 'false', ...env } });
}

async function addressOf(server: Child) {
  return (await server.says(/is at (http:\S+)/))[1] as string;
}

const statusOf = async (url: string) => (await fetch(url)).status;

/** The owner's address of the database that runs under this folder. */
function databaseOf(dataDir: string) {
  const read = (name: string) => readFileSync(join(dataDir, name), 'utf8');
  const password = Buffer.from(read('secrets/database-password'), 'base64').toString('base64url');
  return `postgres://connected_systems:${password}@localhost/connected_systems?host=${read('socket-directory')}`;
}

function serversOf(dataDir: string) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(join(dataDir, 'postgres'));
    } catch {
      return false;
    }
  });
}

test(
  'SIGTERM: the request in flight is answered, later ones are refused, nothing is left',
  linux,
  async () => {
    const dataDir = newDataDir();
    const server = serve(dataDir);
    const address = await addressOf(server);
    await inDatabase(databaseOf(dataDir), async (client) => {
      await client.query('begin');
      await client.query('lock table schema_migration in access exclusive mode');
      const inFlight = fetch(`${address}/health/ready`);
      await eventually(async () => {
        const { rowCount } = await client.query('select 1 from pg_locks where not granted');
        return rowCount === 1;
      });
      process.kill(server.pid, 'SIGTERM');
      await server.says(/stopping/);
      await eventually(() => refused(address));
      await client.query('rollback');
      assert.equal((await inFlight).status, 200);
    });
    assert.deepEqual(await server.end(), { code: 0, signal: null });
    assert.deepEqual(serversOf(dataDir), []);
  },
);

test(
  'a second start on the same folder ends with a clear message; the first goes on serving',
  linux,
  async () => {
    const dataDir = newDataDir();
    const first = serve(dataDir);
    const address = await addressOf(first);
    const second = serve(dataDir);
    assert.equal((await second.end()).code, 1);
    assert.match(
      second.output(),
      new RegExp(`^${dataDir} is in use by process ${first.pid}\\. Stop that one first`, 'm'),
    );
    assert.equal(await statusOf(`${address}/health/ready`), 200);
    assert.equal((await first.end('SIGINT')).code, 0);
  },
);

test('after kill -9 the next start serves what was there, and ends cleanly', linux, async () => {
  const dataDir = newDataDir();
  const killed = serve(dataDir);
  await addressOf(killed);
  await inDatabase(databaseOf(dataDir), (client) =>
    client.query(`insert into company (id, name) values (gen_random_uuid(), 'Acme')`),
  );
  await killed.end('SIGKILL');
  const next = serve(dataDir);
  assert.equal(await statusOf(`${await addressOf(next)}/health/ready`), 200);
  const { rows } = await inDatabase(databaseOf(dataDir), (client) =>
    client.query('select name from company'),
  );
  assert.deepEqual(rows, [{ name: 'Acme' }]);
  assert.equal(serversOf(dataDir).length, 1);
  assert.equal((await next.end('SIGTERM')).code, 0);
  assert.deepEqual(serversOf(dataDir), []);
});

test('its own database killed under it: the service recovers by itself', linux, async () => {
  const dataDir = newDataDir();
  const server = serve(dataDir);
  const address = await addressOf(server);
  const [postmaster] = serversOf(dataDir);
  process.kill(Number(postmaster), 'SIGKILL');
  await eventually(() => serversOf(dataDir).some((pid) => pid !== postmaster));
  await eventually(async () => (await statusOf(`${address}/health/ready`)) === 200);
  assert.equal((await server.end('SIGTERM')).code, 0);
});

test(
  'the database gone for a while: 503 with Retry-After, nothing else breaks, and then it is as before',
  linux,
  async () => {
    const dataDir = newDataDir();
    const log = pino({ level: 'silent' });
    const sockets = join(folder, 'sockets');
    let database = await startEmbedded({ dataDir, log });
    pointTo(sockets, database.connection.host);
    const { user, password, database: name } = database.connection;
    const server = serve(newDataDir(), {
      DATABASE_URL: `postgres://${user}:${password}@localhost/${name}?host=${sockets}`,
    });
    const address = await addressOf(server);
    // A cookie of the right form is looked up in the database.
    const page = () =>
      fetch(`${address}/account`, { headers: { cookie: `session=${'A'.repeat(43)}` }, redirect: 'manual' });
    const before = await page();
    assert.ok(before.status < 500, `${before.status}`);

    await database.stop();
    for (const answer of [await page(), await fetch(`${address}/health/ready`)]) {
      assert.equal(answer.status, 503, answer.url);
      assert.match(String(answer.headers.get('retry-after')), /^\d+$/, answer.url);
    }
    assert.equal(await statusOf(`${address}/health/live`), 200);

    database = await startEmbedded({ dataDir, log });
    pointTo(sockets, database.connection.host);
    await eventually(async () => (await statusOf(`${address}/health/ready`)) === 200);
    assert.equal((await page()).status, before.status);
    assert.equal((await server.end('SIGTERM')).code, 0);
    await database.stop();
  },
);

test(
  'npm killed outright takes the service with it, and the next start finds the way clear',
  linux,
  async () => {
    const dataDir = newDataDir();
    const env = { ...process.env, DATA_DIR: dataDir, PORT: '0', DEMO: 'false' };
    const npm = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'ignore'], cwd: ROOT });
    let output = '';
    npm.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await eventually(() => output.includes(' is at http'), 60_000);
    npm.kill('SIGKILL');
    const next = serve(dataDir);
    assert.equal(await statusOf(`${await addressOf(next)}/health/live`), 200);
    assert.equal((await next.end('SIGTERM')).code, 0);
    assert.deepEqual(serversOf(dataDir), []);
  },
);

test('a start that cannot go on says why and leaves nothing running', linux, async () => {
  const dataDir = newDataDir();
  const taken = createServer().listen(0, '127.0.0.1');
  await eventually(() => taken.address());
  const { port } = taken.address() as { port: number };
  const server = serve(dataDir, { PORT: String(port) });
  assert.equal((await server.end()).code, 1);
  assert.match(server.output(), new RegExp(`Port ${port} of 127.0.0.1 is in use: set PORT`));
  assert.deepEqual(serversOf(dataDir), []);
  taken.close();
});

test('an address or a folder that cannot be had is told with what to set instead', async () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ HOST: '192.0.2.1' }, /^HOST is 192.0.2.1, which is no address of this machine/m],
    [{ DATA_DIR: SERVER }, /DATA_DIR cannot be .*server.ts \(E\w+\): set a folder/],
  ];
  for (const [env, says] of wrong) {
    const server = serve(newDataDir(), env);
    assert.equal((await server.end()).code, 1);
    assert.match(server.output(), says);
    assert.doesNotMatch(server.output(), /^ {4}at /m, 'no stack');
  }
});

test('settings that are wrong end the start at once, each with what to set', async () => {
  const server = serve(newDataDir(), { NODE_ENV: 'production', PORT: 'http', DEMO: 'true' });
  assert.equal((await server.end()).code, 1);
  for (const name of ['PORT', 'DEMO', 'BASE_URL'])
    assert.match(server.output(), new RegExp(`^ {2}- ${name} `, 'm'));
});

function refused(address: string) {
  const { hostname, port } = new URL(address);
  return new Promise<boolean>((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

/** Has the folder's name lead to where the sockets are now. */
function pointTo(name: string, target: string) {
  symlinkSync(target, `${name}.new`);
  renameSync(`${name}.new`, name);
}
