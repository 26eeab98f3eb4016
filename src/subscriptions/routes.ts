import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { createPost, type Post } from './post.ts';
import { rotateByAge } from './rotate-by-age.ts';
import { createSendDue } from './send-due.ts';
import { createSigningKeys } from './signing-keys.ts';
import { sweepNotifications } from './store.ts';

const LOOK_EVERY_MS = 2000;
const SWEEP_EVERY_MS = 600_000;

/**
 * Push: the worker that sends notifications while the service runs, and the public keys with which receivers check
 * their signatures.
 * @param options.post for tests; the right one refuses everything but public addresses.
 */
export function pushRoutes(context: Context, options: { post?: Post } = {}) {
  const { config, database, log, baseUrl } = context;
  const keys = createSigningKeys(context);
  const stopping = new AbortController();
  const { signal } = stopping;
  const post = options.post ?? createPost({ toLoopback: config.pushToLoopback, baseUrl });
  const sendDue = createSendDue({ ...context, keys, signal, post });

  return async (app: FastifyInstance): Promise<void> => {
    if (config.pushToLoopback)
      log.warn('notifications may be posted to this machine: PUSH_TO_LOOPBACK is on');
    app.get('/.well-known/jwks.json', async (request, reply) => {
      const set = JSON.stringify(await keys.jwks());
      const etag = `"${hash('sha256', set, 'base64url')}"`;
      // Short, so that a key that had to be withdrawn is soon gone; one that is new is shown a day before it signs.
      reply.header('cache-control', 'public, max-age=300').header('etag', etag);
      if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send();
      return reply.type('application/jwk-set+json').send(set);
    });

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
      rotateByAge(context, keys).catch((error) =>
        log.warn({ err: error }, 'the age of the signing keys was not looked at'),
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
