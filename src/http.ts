import { randomUUID } from 'node:crypto';
import { METHODS } from 'node:http';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Config } from './config.ts';
import { readablePath } from './readable-path.ts';
import { endConnectionsOnStop } from './shutdown.ts';

/** Longer than any answer takes; what is slower than this is an attack or a broken client (slowloris). */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * The HTTP server without routes. Each request gets an id that vendor and administrator can both quote, sent back
 * as `X-Request-Id`; each answer is one line in the log: ids, the route's pattern, status, time.
 */
export function createHttp(config: Pick<Config, 'trustProxy'>, log: FastifyBaseLogger): FastifyInstance {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // Never taken from the caller: an id that someone else chose could point at another's request.
    genReqId: () => randomUUID(),
    trustProxy: config.trustProxy as boolean,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    rewriteUrl: (request) => readablePath(request.url ?? '/'),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
  });
  // Fastify knows a few of the methods that the parser lets in; the rooms refuse, and record, the others as well.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true });
  }
  // Hooks that call `done` cost a request less than those that return a promise.
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        // The pattern, not the address: an address holds ids of patients and what was searched for.
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'answered',
    );
    done();
  });
  endConnectionsOnStop(app);
  return app;
}
