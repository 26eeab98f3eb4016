import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ClientConfig } from 'pg';
import type { Secrets } from '../secrets.ts';
import type { Loaded } from './load.ts';
import { generateWorld, type WorldOptions } from './world.ts';

/** What a thread can be handed: plain values and bytes. */
export type LoadJob = {
  connection: ClientConfig;
  pepper: Uint8Array;
  encryptionKey: Uint8Array;
  /** Where the R4 definitions are kept if not with the installed packages. */
  definitionsDirectory: string;
  options: WorldOptions;
};

export type LoadResult = { outcome: Loaded['outcome']; today?: string };

type Needs = {
  database: { connection: ClientConfig };
  secrets: Pick<Secrets, 'pepper' | 'encryptionKey'>;
  definitionsDirectory: string;
};

/**
 * `loadDemoWorld` in a thread of its own, which takes the memory that loading needs (100 MB and more) with it when it
 * ends: the service would keep it for good.
 */
export async function loadDemoWorldAside(needs: Needs, options: WorldOptions): Promise<Loaded> {
  const { database, secrets, definitionsDirectory } = needs;
  const job: LoadJob = {
    connection: database.connection,
    pepper: secrets.pepper,
    encryptionKey: secrets.encryptionKey,
    definitionsDirectory,
    options,
  };
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: job });
  const ended = once(worker, 'exit');
  try {
    // An error in the thread rejects this; so does its end without a word.
    const [{ outcome, today }] = (await Promise.race([once(worker, 'message'), ended.then(endedEarly)])) as [
      LoadResult,
    ];
    return today
      ? { outcome: outcome as 'loaded', world: generateWorld({ ...options, today }) }
      : { outcome: 'not-empty' };
  } finally {
    await ended.catch(() => {});
  }
}

function endedEarly(): never {
  throw new Error('the thread that loads the demo world ended before it was done');
}
