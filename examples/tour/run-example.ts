import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Waits until the program has written something like this. */
export type Says = (pattern: RegExp) => Promise<void>;
export type Meanwhile = (says: Says) => Promise<void>;

type Options = {
  organisation: string;
  args?: string[];
  /** The exit code that it should end with. */
  wanted?: number;
  demoFile: string;
  /** What happens while it runs; afterwards it is sent Ctrl-C. */
  meanwhile?: Meanwhile;
};

/** Runs an example as its users would, shows what it writes, and fails unless it ends as it should. */
export async function runExample(name: string, options: Options): Promise<string> {
  const { organisation, args = [], wanted = 0, demoFile, meanwhile } = options;
  const command = [`examples/${name}/${name}.ts`, '--organisation', organisation, ...args];
  say(`node ${command.join(' ')}`);
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, command, {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH, HOME, DEMO_FILE: demoFile },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const closed = once(child, 'close');
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      written += piece;
      process.stdout.write(piece);
      child.emit('said');
    });
  }
  const says: Says = async (pattern) => {
    while (!pattern.test(written)) {
      const ended = await Promise.race([once(child, 'said'), closed.then(() => 'ended' as const)]);
      if (ended === 'ended') throw new Error(`${name} did not say ${pattern}.`);
    }
  };
  try {
    await meanwhile?.(says);
    if (meanwhile) child.kill('SIGINT');
    const [code] = await closed;
    if (code !== wanted) throw new Error(`${name} ended with ${code}, not with ${wanted}.`);
  } finally {
    child.kill();
  }
  return written;
}

export function say(what: string): void {
  console.log(`\n== ${what}`);
}
