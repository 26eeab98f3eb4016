import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { makeDataDir, secretFile } from '../secrets.ts';
import { postgresBinaries } from './binaries.ts';
import { checkCluster, createCluster } from './cluster.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { commandAs, databaseUser } from './database-user.ts';
import { stopLeftOver } from './left-over.ts';
import { runPostmaster } from './postmaster.ts';
import { serverSettings } from './server-settings.ts';
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
  const lock = await lockSoon(dataDir);
  const undo: (() => unknown)[] = [lock.release];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const dataPath = join(dataDir, 'postgres');
    const password = secretFile(dataDir, 'database-password').toString('base64url');
    const user = databaseUser(dataPath);
    if (existsSync(dataPath)) checkCluster(dataPath);
    const sockets = makeSocketDirectory(dataDir, user);
    undo.push(sockets.remove);
    if (existsSync(dataPath)) await stopLeftOver(dataPath, log);
    else await createCluster({ dataPath, user, login: LOGIN, password, socketPath: sockets.path });

    const connection = { host: sockets.path, port: 5432, user: LOGIN, password, database: DATABASE };
    const { postgres } = postgresBinaries();
    const all = { ...serverSettings(), ...settings, unix_socket_directories: sockets.path };
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

/** A holder that is about to stop is waited for, shortly: restarting is the commonest reason to find one. */
async function lockSoon(dataDir: string) {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return lockDataDir(dataDir);
    } catch (error) {
      if ((error as StartError).code !== 'DATA_DIR_IN_USE') throw error;
      await sleep(100);
    }
  }
  return lockDataDir(dataDir);
}

type EmbeddedOptions = {
  dataDir: string;
  log: Logger;
  /** Server settings beyond ours, for tests. */
  settings?: Record<string, string>;
};

const LOGIN = 'connected_systems';
const DATABASE = 'connected_systems';

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
