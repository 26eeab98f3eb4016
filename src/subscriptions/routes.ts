import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { createPost, type Post } from './post.ts';
import { createSendDue } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { sweepNotifications } from './store.ts';

const LOOK_EVERY_MS = 2000;
const SWEEP_EVERY_MS = 3_600_000;

/**
 * Push: the worker that sends notifications while the service runs, and the public keys with which receivers check
 * their signatures.
 * @param options.post for tests; the right one refuses everything but public addresses.
 */
export function pushRoutes(context: Context, options: { post?: Post } = {}) {
  const { config, database, log } = context;
  const keys = createSigningKeys(context);
  const stopping = new AbortController();
  const { signal } = stopping;
  const post = options.post ?? createPost({ toLoopback: config.pushToLoopback });
  const sendDue = createSendDue({ ...context, keys, signal, post });

  return async (app: FastifyInstance): Promise<void> => {
    if (config.pushToLoopback)
      log.warn('notifications may be posted to this machine: PUSH_TO_LOOPBACK is on');
    app.get('/.well-known/jwks.json', async (_request, reply) =>
      reply
        .header('cache-control', 'public, max-age=300')
        .type('application/jwk-set+json')
        .send(await keys.jwks()),
    );

    let sending: Promise<unknown> | undefined;
    const looking = setInterval(() => {
      sending ??= sendDue()
        .catch((error) => log.warn({ err: error }, 'notifications were not read; the next look tries again'))
        .finally(() => {
          sending = undefined;
        });
    }, LOOK_EVERY_MS).unref();
    const sweeping = setInterval(() => {
      sweepNotifications(database.service).catch((error) =>
        log.warn({ err: error }, 'old dead letters were not removed'),
      );
    }, SWEEP_EVERY_MS).unref();
    app.addHook('onClose', async () => {
      stopping.abort();
      clearInterval(looking);
      clearInterval(sweeping);
      await sending;
    });
  };
}
