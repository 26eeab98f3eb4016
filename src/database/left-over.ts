import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from './start-error.ts';

/**
 * Ends the PostgreSQL processes that an earlier run left working on this data folder, so that a new one may open it.
 * Call it only while holding the lock on DATA_DIR: then whatever works there belongs to nobody.
 */
export async function stopLeftOver(dataPath: string, log: { warn(fields: object, message: string): void }) {
  const pidFile = join(dataPath, 'postmaster.pid');
  const recorded = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : undefined;
  const found = workingOn(dataPath, recorded);
  if (found.length > 0) {
    log.warn({ pids: found }, 'ending the PostgreSQL that an earlier run left behind');
    // To the postmaster SIGINT is the fast shutdown; to a process whose postmaster is dead it would only cancel.
    for (const pid of found) signal(pid, pid === recorded ? 'SIGINT' : 'SIGTERM');
    await gone(() => workingOn(dataPath, recorded), 30_000);
    for (const pid of workingOn(dataPath, recorded)) signal(pid, 'SIGQUIT');
    await gone(() => workingOn(dataPath, recorded), 10_000);
    const stuck = workingOn(dataPath, recorded);
    if (stuck.length > 0) {
      const message = `PostgreSQL (process ${stuck.join(', ')}) still works on ${dataPath} and does not end. End it, then start again.`;
      throw new StartError('DATABASE_STILL_RUNNING', message);
    }
  }
  // Its number may by now be some other process's, which PostgreSQL would take for its old self.
  rmSync(pidFile, { force: true });
}

async function gone(rest: () => number[], deadlineMs: number) {
  for (const end = Date.now() + deadlineMs; Date.now() < end && rest().length > 0; ) await sleep(20);
}

/** A process id proves nothing (they are reused): every PostgreSQL process works in its data folder, which does. */
function workingOn(dataPath: string, recorded: number | undefined): number[] {
  if (process.platform !== 'linux') return recorded && namesFolder(recorded, dataPath) ? [recorded] : [];
  const folder = realpathSync(dataPath);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => isPostgresIn(pid, folder))
    .map(Number);
}

function isPostgresIn(pid: string, folder: string) {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === folder &&
      readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres'
    );
  } catch {
    return false; // ended meanwhile, or another user's
  }
}

function namesFolder(pid: number, dataPath: string) {
  try {
    const args = execFileSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' });
    return args.includes(dataPath);
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals) {
  try {
    process.kill(pid, name);
  } catch {
    // ended meanwhile
  }
}
