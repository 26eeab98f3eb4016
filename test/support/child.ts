import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const children = new Set<ChildProcess>();
// A test that failed half-way must not leave its processes behind.
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

export type Child = ReturnType<typeof startChild>;

/** Runs a TypeScript file in a process of its own, for tests that end it or watch it end. */
export function startChild(file: string, { args = [], env = {} }: ChildOptions = {}) {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
  }
  return {
    pid: child.pid as number,
    output: () => output,
    stdin: child.stdin,
    /** The first match in what it wrote; fails when it ends, or a minute goes by, without one. */
    async says(pattern: RegExp): Promise<RegExpExecArray> {
      for (const end = Date.now() + 60_000; ; await sleep(10)) {
        const match = pattern.exec(output);
        if (match) return match;
        if (ended(child) || Date.now() > end) throw new Error(`no ${pattern} in what it wrote:\n${output}`);
      }
    },
    /** Sends the signal, if any, and waits for its end. */
    async end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
      if (!ended(child)) {
        const exit = once(child, 'exit');
        if (signal) child.kill(signal);
        await exit;
      }
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}

type ChildOptions = { args?: string[]; env?: Record<string, string> };

function ended(child: ChildProcess) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Waits until `condition` holds, at most `withinMs`; the condition is looked at often. */
export async function eventually(condition: () => unknown | Promise<unknown>, withinMs = 20_000) {
  for (const end = Date.now() + withinMs; ; await sleep(20)) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`not so within ${withinMs} ms: ${condition}`);
  }
}
