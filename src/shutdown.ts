import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

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
  const unwatch = onLostParent(() => onSignal('SIGHUP'));
  return () => {
    unwatch();
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/**
 * Under `npm start` npm is the process that people see and end. Killed outright it cannot pass that on, and the
 * service would go on unseen, holding its port and its data folder.
 */
function onLostParent(lost: () => void): () => void {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    lost();
  }, 250).unref();
  return () => clearInterval(timer);
}

/**
 * Has whoever was answered during a stop close the connection. It was not idle when the stop began, so it was not
 * closed then, and kept alive it would hold up the stop until it times out.
 */
export function endConnectionsOnStop(app: FastifyInstance): void {
  let stopping = false;
  app.addHook('preClose', async () => {
    stopping = true;
    app.server.keepAliveTimeout = 1; // for answers that are sent past the hook below (`reply.hijack`)
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done(null, payload);
  });
}
