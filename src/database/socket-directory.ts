import { chownSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DatabaseUser } from './database-user.ts';

/**
 * A private folder for the database's Unix socket, and the end of the one that a killed run left behind.
 * Not under DATA_DIR: a socket's whole path has room for 107 bytes only.
 */
export function makeSocketDirectory(dataDir: string, user: DatabaseUser | undefined) {
  const record = join(dataDir, 'socket-directory');
  removeStale(record);
  const base = Buffer.byteLength(tmpdir()) > LONGEST_BASE ? '/tmp' : tmpdir();
  const path = mkdtempSync(join(base, PREFIX));
  writeFileSync(record, path, { mode: 0o600 });
  if (user) chownSync(path, user.uid, user.gid);
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
      rmSync(record, { force: true });
    },
  };
}

const PREFIX = 'connected-systems-';
const LONGEST_BASE = 107 - `/${PREFIX}xxxxxx/.s.PGSQL.5432.lock`.length;

/** Only what this program could have made: a folder of that name, not a link that leads elsewhere. */
function removeStale(record: string) {
  if (!existsSync(record)) return;
  const path = readFileSync(record, 'utf8');
  if (!basename(path).startsWith(PREFIX) || !existsSync(path) || !lstatSync(path).isDirectory()) return;
  rmSync(path, { recursive: true, force: true });
}
