import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Config } from './config.ts';
import type { Database } from './database/connect.ts';

/**
 * Counts and times every request of routes added afterwards, and offers the figures to Prometheus: on METRICS_PORT
 * when set, otherwise at `/metrics` to whoever sends METRICS_TOKEN as bearer token, otherwise nowhere.
 * Routes appear as their patterns: an address would hold ids of patients.
 */
export function setUpMetrics(
  app: FastifyInstance,
  config: Pick<Config, 'host' | 'metricsPort' | 'metricsToken'>,
  pools: Pick<Database, 'service' | 'owner'>,
): { registry: Registry } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  timeRequests(app, registry);
  watchPools(pools, registry);

  if (config.metricsPort !== undefined) offerOnOwnPort(app, config, registry);
  else if (config.metricsToken !== undefined) offerWithToken(app, config.metricsToken, registry);
  return { registry };
}

function timeRequests(app: FastifyInstance, registry: Registry) {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests that have come in and are not answered yet.',
    registers: [registry],
  });
  app.addHook('onRequest', (_request, reply, done) => {
    inFlight.inc();
    // Not `onResponse`, which is left out when the caller hangs up: `close` comes once, however it ends.
    reply.raw.once('close', () => inFlight.dec());
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
}

function watchPools(pools: Pick<Database, 'service' | 'owner'>, registry: Registry) {
  new Gauge({
    name: 'database_pool_connections',
    help: 'Database connections by pool and state; "waiting" counts callers without one.',
    labelNames: ['pool', 'state'],
    registers: [registry],
    collect() {
      for (const pool of ['service', 'owner'] as const) {
        const { totalCount, idleCount, waitingCount } = pools[pool];
        this.set({ pool, state: 'busy' }, totalCount - idleCount);
        this.set({ pool, state: 'idle' }, idleCount);
        this.set({ pool, state: 'waiting' }, waitingCount);
      }
    },
  });
}

function offerWithToken(app: FastifyInstance, token: string, registry: Registry) {
  app.get('/metrics', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!mayRead(request.raw, token)) {
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer realm="metrics"')
        .send({ error: 'unauthorized' });
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

function offerOnOwnPort(
  app: FastifyInstance,
  { host, metricsPort, metricsToken }: Pick<Config, 'host' | 'metricsPort' | 'metricsToken'>,
  registry: Registry,
) {
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics')
      return response.writeHead(404).end();
    if (metricsToken && !mayRead(request, metricsToken)) {
      return response.writeHead(401, { 'www-authenticate': 'Bearer realm="metrics"' }).end();
    }
    const figures = await registry.metrics();
    return response.writeHead(200, { 'content-type': registry.contentType }).end(figures);
  });
  app.addHook('onReady', async () => {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(metricsPort, host, resolve);
    });
    app.log.info({ metrics: server.address() }, 'metrics are offered');
  });
  app.addHook('onClose', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** Compared by hash, so that neither the length nor the time tells how much of a guess was right. */
function mayRead(request: IncomingMessage, token: string) {
  const given = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
