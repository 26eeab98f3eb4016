import { type SpawnOptions, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartError } from './start-error.ts';

export type DatabaseUser = { uid: number; gid: number };
export type Command = { file: string; args: string[]; options: SpawnOptions };

/**
 * Whom PostgreSQL runs as: undefined for "as we do", which is so unless we are root, as whom it refuses to run.
 * An existing data folder keeps its owner; a new one goes to `postgres` where that user exists, else to `nobody`.
 */
export function databaseUser(dataPath: string, passwd = '/etc/passwd'): DatabaseUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existsSync(dataPath) ? statSync(dataPath) : undefined;
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = readFileSync(passwd, 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  const message =
    'PostgreSQL does not run as root, and there is no user postgres or nobody: start as another user.';
  throw new StartError('NO_DATABASE_USER', message);
}

/**
 * Makes `[program, ...args]` into what to spawn so that it runs as `user` and can reach every path in `reach`.
 *
 * Where a folder on the way is closed to that user (root's home, a 0700 temporary folder), the process keeps one of
 * root's capabilities, to read and pass through folders; it stays unable to write anywhere but in its own.
 * `endWithParent` has Linux send SIGINT, PostgreSQL's fast shutdown, should this process die without a word.
 */
export function commandAs(
  user: DatabaseUser | undefined,
  [program, ...args]: [string, ...string[]],
  { reach, endWithParent = false }: { reach: string[]; endWithParent?: boolean },
): Command {
  const options: SpawnOptions = { cwd: '/' }; // our own working folder may be closed to that user
  const privileges: string[] = [];
  const obstacle = user && firstClosed(user, [program, ...reach]);
  if (user && obstacle) {
    privileges.push(`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--no-new-privs');
    privileges.push('--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search');
    // PostgreSQL asks access(2) whether it may run its own programs, which leaves capabilities out unless told so.
    privileges.push('--securebits=+no_setuid_fixup');
    if (!works(privileges)) throw unreachable(user, obstacle);
    openToRun(dirname(program), user);
  } else {
    Object.assign(options, user);
  }
  // An old or absent setpriv costs only this: the next start, not the kernel, then ends what was left behind.
  if (endWithParent && works(['--pdeathsig', 'INT'])) privileges.push('--pdeathsig', 'INT');
  if (privileges.length === 0) return { file: program, args, options };
  return { file: 'setpriv', args: [...privileges, '--', program, ...args], options };
}

function works(privileges: string[]) {
  return process.platform === 'linux' && spawnSync('setpriv', [...privileges, '--', 'true']).status === 0;
}

/** The first folder on the way to one of the paths that the user may not pass through, if any. */
function firstClosed(user: DatabaseUser, paths: string[]) {
  return paths.flatMap(foldersAbove).find((folder) => !mayEnter(user, folder));
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [folder] : [...foldersAbove(folder), folder];
}

function mayEnter({ uid, gid }: DatabaseUser, folder: string) {
  if (!existsSync(folder)) return true;
  const { mode, uid: owner, gid: group } = statSync(folder);
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

/** The capability lets it read programs that are closed to it, but to run one takes the file's own x bit. */
function openToRun(programs: string, user: DatabaseUser) {
  for (const file of readdirSync(programs).map((name) => join(programs, name))) {
    const { mode } = statSync(file);
    if (mode & 0o001) continue;
    try {
      chmodSync(file, mode | 0o111);
    } catch {
      throw unreachable(user, file);
    }
  }
}

function unreachable({ uid }: DatabaseUser, path: string) {
  return new StartError(
    'DATABASE_USER_SHUT_OUT',
    `PostgreSQL does not run as root; it would run as user ${uid}, to whom ${path} is closed. ` +
      'Run chmod o+x on it, move what is needed from under it, or start as another user than root.',
  );
}
