import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from './start-error.ts';

/**
 * Holds DATA_DIR for this process alone until `release`.
 *
 * Node has no file lock of its own, SQLite has: an exclusive transaction on a file that never gets content. Of any
 * number of processes exactly one holds it, and the kernel frees it when that one dies, however it dies, so there is
 * no stale lock to be wrong about.
 * @throws {StartError} DATA_DIR_IN_USE naming the process that holds it.
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const pidFile = join(dataDir, 'server.pid');
  const lock = open(dataDir);
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw notOurs(dataDir, error);
    throw new StartError(
      'DATA_DIR_IN_USE',
      `${dataDir} is in use by ${holder(pidFile)}. Stop that one first, or set another DATA_DIR.`,
    );
  }
  chmodSync(join(dataDir, 'lock'), 0o600); // whoever can read the file can also lock it
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release() {
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

const SQLITE_BUSY = 5;

function open(dataDir: string) {
  try {
    return new DatabaseSync(join(dataDir, 'lock'));
  } catch (error) {
    throw notOurs(dataDir, error);
  }
}

function notOurs(dataDir: string, cause: unknown) {
  const message = `${dataDir} cannot be written by this user. Give it to this user, or set another DATA_DIR.`;
  return new StartError('DATA_DIR_NOT_WRITABLE', message, { cause });
}

/** The pid is for people only; the lock decides. */
function holder(pidFile: string) {
  try {
    return `process ${readFileSync(pidFile, 'utf8').trim()}`;
  } catch {
    return 'another process';
  }
}
