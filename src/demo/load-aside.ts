import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientConfig } from 'pg';
import type { Secrets } from '../secrets.ts';
import type { Loaded } from './load.ts';
import { generateWorld, type WorldOptions } from './world.ts';

/** What another process can be sent: plain values and bytes. */
export type LoadJob = {
  connection: ClientConfig;
  pepper: Uint8Array;
  encryptionKey: Uint8Array;
  /** Where the R4 definitions are kept if not with the installed packages. */
  definitionsDirectory: string;
  options: WorldOptions;
};

export type LoadAnswer = { outcome: Loaded['outcome']; today?: string } | { error: Error };

type Needs = {
  database: { connection: ClientConfig };
  secrets: Pick<Secrets, 'pepper' | 'encryptionKey'>;
  definitionsDirectory: string;
};

/**
 * `loadDemoWorld` in a process of its own, which takes the memory that loading needs with it when it ends: the service
 * would keep 100 MB of it for good. When the service dies meanwhile, so does the process, and nothing is loaded.
 */
export async function loadDemoWorldAside(needs: Needs, options: WorldOptions): Promise<Loaded> {
  const { database, secrets, definitionsDirectory } = needs;
  // The job holds secrets: it goes through the channel between the two, never through arguments or environment.
  const loader = fork(fileURLToPath(new URL('./load-process.ts', import.meta.url)), {
    serialization: 'advanced',
  });
  const ended = once(loader, 'exit');
  const job: LoadJob = {
    connection: database.connection,
    pepper: secrets.pepper,
    encryptionKey: secrets.encryptionKey,
    definitionsDirectory,
    options,
  };
  loader.send(job);
  const [answer] = (await Promise.race([once(loader, 'message'), ended.then(endedEarly)])) as [LoadAnswer];
  await ended;
  if ('error' in answer) throw answer.error;
  const { outcome, today } = answer;
  return today && outcome !== 'not-empty'
    ? { outcome, world: generateWorld({ ...options, today }) }
    : { outcome: 'not-empty' };
}

function endedEarly(): never {
  throw new Error('the process that loads the demo world ended before it was done');
}
