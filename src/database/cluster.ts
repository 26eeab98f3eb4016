import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sync } from '../secrets.ts';
import { postgresBinaries } from './binaries.ts';
import { commandAs, type DatabaseUser } from './database-user.ts';
import { StartError } from './start-error.ts';

/**
 * Makes a new, empty PostgreSQL data folder, durably and whole or not at all. Text is compared by code point, by rules
 * that PostgreSQL brings along, so that an update of the system's libraries cannot disorder an index.
 */
export async function createCluster({ dataPath, user, login, password, socketPath }: ClusterOptions) {
  const { initdb } = postgresBinaries();
  // Beside its place, then renamed: a first start that is cut off leaves nothing that looks like a database. Under a
  // name of its own each time: the initdb of a start that was killed may still be at work on the last one.
  const dataDir = dirname(dataPath);
  removeDrafts(dataDir);
  const draft = mkdtempSync(join(dataDir, DRAFT));
  const passwordFile = join(socketPath, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);
  const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale-provider=builtin'];
  const locale = ['--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'];
  const command = commandAs(
    user,
    [initdb, '-D', draft, `--username=${login}`, `--pwfile=${passwordFile}`, ...options, ...locale],
    { reach: [join(draft, 'base'), passwordFile], endWithParent: true },
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
  removeDrafts(dataDir); // what that initdb put back before it ended, too
  sync(dataDir);
}

function removeDrafts(dataDir: string) {
  for (const name of readdirSync(dataDir).filter((name) => name.startsWith(DRAFT))) {
    rmSync(join(dataDir, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

const DRAFT = '.postgres-';

type ClusterOptions = {
  dataPath: string;
  user: DatabaseUser | undefined;
  login: string;
  password: string;
  socketPath: string;
};

/** Whether this user may work on the data folder, and this PostgreSQL can read it. */
export function checkCluster(dataPath: string) {
  checkOwner(dataPath);
  checkVersion(dataPath);
}

function checkOwner(dataPath: string) {
  const uid = process.getuid?.();
  if (uid === 0) return;
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
