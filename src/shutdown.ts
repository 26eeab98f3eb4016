import type { FastifyBaseLogger } from 'fastify';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Runs `stop` on the first SIGTERM, Ctrl-C or closed terminal and ends the process with 0 once it is done; with 1
 * when it fails, takes longer than `deadlineMs`, or a second signal says that somebody will not wait.
 * @returns a function that takes the handlers away again.
 */
export function stopOnSignals(
  stop: () => Promise<unknown>,
  log: FastifyBaseLogger,
  { deadlineMs = 25_000, exit = process.exit as (code: number) => void } = {},
): () => void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) return exit(1);
    stopping = true;
    log.info({ signal }, 'stopping: no new requests, finishing those in flight');
    const deadline = setTimeout(() => {
      log.error({ deadlineMs }, 'did not stop in time');
      exit(1);
    }, deadlineMs);
    stop().then(
      () => {
        clearTimeout(deadline);
        log.info('stopped');
        exit(0);
      },
      (error) => {
        log.error({ err: error }, 'did not stop cleanly');
        exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
