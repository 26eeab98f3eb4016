import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { makeDataDir, secretFile, sync } from '../secrets.ts';
import { postgresBinaries } from './binaries.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { commandAs, type DatabaseUser, databaseUser } from './database-user.ts';
import { stopLeftOver } from './left-over.ts';
import { runPostmaster } from './postmaster.ts';
import { makeSocketDirectory } from './socket-directory.ts';
import { StartError } from './start-error.ts';

export type Embedded = Awaited<ReturnType<typeof startEmbedded>>;

/**
 * Starts a PostgreSQL of our own under `dataDir`, as a child process that only this process's user can reach: no
 * network, a private Unix socket, a password made here. It is restarted should it die, until `stop`.
 * @throws {StartError} when the folder is in use, or cannot be used; the message says what to do.
 */
export async function startEmbedded({ dataDir, log, settings = {} }: EmbeddedOptions) {
  makeDataDir(dataDir);
  const lock = lockDataDir(dataDir);
  const undo: (() => unknown)[] = [lock.release];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const dataPath = join(dataDir, 'postgres');
    const password = secretFile(dataDir, 'database-password').toString('base64url');
    const user = databaseUser(dataPath);
    checkOwner(dataPath);
    const sockets = makeSocketDirectory(dataDir, user);
    undo.push(sockets.remove);
    if (existsSync(dataPath)) await stopLeftOver(dataPath, log);
    else await createCluster({ dataPath, user, password, socketPath: sockets.path });
    checkVersion(dataPath);

    const connection = { host: sockets.path, port: 5432, user: LOGIN, password, database: DATABASE };
    const { postgres } = postgresBinaries();
    const all = { ...SETTINGS, ...settings, unix_socket_directories: sockets.path };
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const postmaster = runPostmaster({
      command: commandAs(user, [postgres, '-D', dataPath, ...args], {
        reach: [join(dataPath, 'base'), join(sockets.path, 'socket')],
        endWithParent: true,
      }),
      beforeRestart: () => stopLeftOver(dataPath, log),
      log,
    });
    undo.push(postmaster.stop);
    await reachable(connection, postmaster);
    postmaster.supervise();
    return { connection, pid: postmaster.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type EmbeddedOptions = {
  dataDir: string;
  log: Logger;
  /** Server settings beyond ours, for tests. */
  settings?: Record<string, string>;
};

const LOGIN = 'connected_systems';
const DATABASE = 'connected_systems';

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '60',
  // A commit that was answered is on disk. Said here so that no edited file in the data folder can say otherwise.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '192MB',
  max_wal_size: '1GB',
  checkpoint_completion_target: '0.9',
  // The statements are small and planned once; compiling them costs more than it saves.
  jit: 'off',
  random_page_cost: '1.1',
  // Its log must not repeat what people wrote or asked for: no statements, no errors, no values.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

async function createCluster({ dataPath, user, password, socketPath }: ClusterOptions) {
  const { initdb } = postgresBinaries();
  // Beside its place, then renamed: a first start that is cut off leaves nothing that looks like a database.
  const draft = `${dataPath}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const passwordFile = join(socketPath, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);
  const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale-provider=builtin'];
  const locale = ['--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'];
  const command = commandAs(
    user,
    [initdb, '-D', draft, `--username=${LOGIN}`, `--pwfile=${passwordFile}`, ...options, ...locale],
    { reach: [join(draft, 'base'), passwordFile] },
  );
  const child = spawn(command.file, command.args, {
    ...command.options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  rmSync(passwordFile, { force: true });
  if (code !== 0) throw new StartError('INITDB_FAILED', `The database could not be made:\n${output.trim()}`);
  renameSync(draft, dataPath);
  sync(join(dataPath, '..'));
}

type ClusterOptions = {
  dataPath: string;
  user: DatabaseUser | undefined;
  password: string;
  socketPath: string;
};

function checkOwner(dataPath: string) {
  const uid = process.getuid?.();
  if (uid === 0 || !existsSync(dataPath)) return;
  const owner = statSync(dataPath).uid;
  if (owner === uid) return;
  const message = `${dataPath} belongs to user ${owner}, this is user ${uid}: start as that user or root, or set another DATA_DIR.`;
  throw new StartError('DATA_DIR_NOT_WRITABLE', message);
}

function checkVersion(dataPath: string) {
  const version = readFileSync(join(dataPath, 'PG_VERSION'), 'utf8').trim();
  if (version === '18') return;
  const message = `${dataPath} was made by PostgreSQL ${version}; this is 18. Bring it over with pg_dump and pg_restore.`;
  throw new StartError('DATABASE_VERSION', message);
}

/** Waits until the server answers, however long it replays its log, and makes the database on the first start. */
async function reachable(connection: pg.ClientConfig, postmaster: ReturnType<typeof runPostmaster>) {
  for (;;) {
    const code = await attempt(connection);
    if (code === 'ok') return;
    if (code === UNKNOWN_DATABASE) {
      await attempt({ ...connection, database: 'postgres' }, `create database ${DATABASE}`);
    } else if (code === WRONG_PASSWORD) {
      const message =
        'DATA_DIR/secrets/database-password is not that of DATA_DIR/postgres: restore both from one backup.';
      throw new StartError('DATABASE_PASSWORD', message);
    } else if (!postmaster.running()) {
      const lines = postmaster.lastLines().join('\n');
      throw new StartError(
        'DATABASE_ENDED',
        `PostgreSQL ended as soon as it was started. It said:\n${lines}`,
      );
    } else {
      await sleep(10);
    }
  }
}

const UNKNOWN_DATABASE = '3D000';
const WRONG_PASSWORD = '28P01';

async function attempt(connection: pg.ClientConfig, statement = 'select 1'): Promise<string | undefined> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(statement);
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await client.end().catch(() => undefined);
  }
}
