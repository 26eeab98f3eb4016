import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { BenchDatabase } from './database.ts';
import type { Turn, TurnResult } from './load-process.ts';

const ROOT = join(import.meta.dirname, '..');

export type Running = { origin: string; pid: number; stop: () => Promise<void> };

/** The product as `npm start` runs it, on the measuring database. */
export async function startProduct(
  { url, dataDir }: BenchDatabase,
  { nodeFlags = flagsOfStart(), profile = false } = {},
): Promise<Running> {
  const profileDir = join(ROOT, '.data-bench/profile');
  if (profile) mkdirSync(profileDir, { recursive: true });
  const flags = profile ? [...nodeFlags, '--cpu-prof', `--cpu-prof-dir=${profileDir}`] : nodeFlags;
  const env = { DATABASE_URL: url, DATA_DIR: dataDir, DEMO: 'false', LOG_LEVEL: 'warn', PORT: '0' };
  return start([...flags, join(ROOT, 'src/server.ts')], env);
}

export const startBare = ({ url, loaded }: BenchDatabase): Promise<Running> =>
  start([join(import.meta.dirname, 'bare-server.ts')], {
    DATABASE_URL: url,
    ORGANISATION_ID: loaded.organisationId,
  });

export type LoadGenerator = ReturnType<typeof startLoadGenerator>;

export function startLoadGenerator() {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), { serialization: 'advanced' });
  return {
    async turn(turn: Turn): Promise<TurnResult> {
      child.send(turn);
      const [result] = await once(child, 'message');
      return result as TurnResult;
    },
    stop: () => child.disconnect(),
  };
}

/** What `npm start` gives to Node: what is measured is what people run. */
function flagsOfStart(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return scripts.start.split(' ').filter((word: string) => word.startsWith('--'));
}

async function start(args: string[], env: Record<string, string>): Promise<Running> {
  const { PATH = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, args, {
    env: { PATH, ...(TMPDIR && { TMPDIR }), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const origin = await Promise.race([originOf(child), once(child, 'exit').then(ended)]);
  return {
    origin,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function originOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as Readable })) {
    const origin = /http:\/\/[0-9.:]+/.exec(line)?.[0];
    if (origin) {
      child.stdout!.resume();
      return origin;
    }
  }
  throw new Error('a server said no address');
}

function ended(): never {
  throw new Error('a server ended before it said its address');
}

const TICKS_PER_SECOND = 100;

/** Processor seconds that a process has used; undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** The same of each process of the database server: they are the postmaster's children. */
export function databaseCpuSeconds(postmaster: number): Map<number, number> | undefined {
  try {
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    return new Map(
      children
        .trim()
        .split(' ')
        .map((pid) => [Number(pid), cpuSeconds(Number(pid)) ?? 0]),
    );
  } catch {
    return undefined;
  }
}

/** Resident memory in megabytes, now or at its peak. */
export function memoryMb(pid: number, which: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  } catch {
    return undefined;
  }
}
