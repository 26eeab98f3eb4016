import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Command } from './database-user.ts';

/**
 * Runs the PostgreSQL server process and keeps it running: should it die unasked, it is started again, at once the
 * first time, then with growing pauses of at most five seconds.
 * @param beforeRestart waits until nothing of the dead server is left on the data folder.
 */
export function runPostmaster({ command, beforeRestart, log }: PostmasterOptions) {
  let stopping = false;
  let keepRunning = false;
  let failures = 0;
  let lastLines: string[] = [];
  let child = launch();
  let restarting: Promise<void> | undefined;

  function launch() {
    const started = Date.now();
    // In a session of its own: Ctrl-C reaches every process of a terminal's group, and requests in flight need the
    // database until they are answered.
    const launched = spawn(command.file, command.args, {
      ...command.options,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    relayLog(launched);
    // It lives for this process; it is no reason for this process to live.
    launched.unref();
    (launched.stderr as Readable & { unref(): void }).unref();
    launched.once('error', (error) => log.error({ err: error }, 'PostgreSQL could not be run'));
    launched.once('exit', (code, signal) => {
      if (stopping || !keepRunning) return;
      log.error({ code, signal }, 'PostgreSQL ended unasked; starting it again');
      restarting = restart(Date.now() - started);
    });
    return launched;
  }

  /** What PostgreSQL says of itself; statements and values are kept out of it by its settings. */
  function relayLog(server: ChildProcess) {
    createInterface({ input: server.stderr as Readable }).on('line', (line) => {
      lastLines = [...lastLines.slice(-9), line];
      // While it starts and stops it turns everybody away, and says so each time.
      const notable = keepRunning && !stopping && / (FATAL|PANIC): /.test(line);
      log[notable ? 'warn' : 'debug']({ postgres: line }, 'PostgreSQL reports');
    });
  }

  async function restart(ranMs: number) {
    failures = ranMs > 30_000 ? 0 : failures + 1;
    await sleep(failures === 0 ? 0 : Math.min(50 * 2 ** failures, 5000), undefined, { ref: false });
    if (stopping) return;
    await beforeRestart().catch((error) => log.error({ err: error }, 'PostgreSQL left processes behind'));
    if (!stopping) child = launch();
  }

  // Should this process end without `stop` (an uncaught error), the server is not left behind.
  const endWithUs = () => signal(child, 'SIGINT');
  process.once('exit', endWithUs);

  return {
    /** Whether the server process lives now. */
    running: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    pid: () => child.pid,
    /** The end of what it said, for when it does not start. */
    lastLines: () => lastLines,
    /** From now on a server that dies is started again. */
    supervise() {
      keepRunning = true;
    },
    /** Fast shutdown: open transactions are rolled back, everything committed is on disk. */
    async stop() {
      stopping = true;
      await restarting;
      child.ref();
      await end(child);
      process.off('exit', endWithUs);
    },
  };
}

type PostmasterOptions = { command: Command; beforeRestart: () => Promise<void>; log: Logger };

async function end(child: ChildProcess) {
  // SIGINT asks for a fast shutdown, SIGQUIT for one that leaves recovery to the next start.
  for (const [name, waitMs] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 10_000],
  ] as const) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(waitMs) });
    signal(child, name);
    await exit.catch(() => undefined);
  }
}

function signal(child: ChildProcess, name: NodeJS.Signals) {
  try {
    child.kill(name);
  } catch {
    // not ours to signal any more: it has ended
  }
}
