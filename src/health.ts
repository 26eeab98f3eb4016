import type { FastifyInstance } from 'fastify';
import type { Database } from './database/connect.ts';
import { isMigrated } from './database/migrate.ts';

/**
 * `GET /health/live`: the process answers; restart it when this does not.
 * `GET /health/ready`: the database answers and has every migration; send requests elsewhere while this is 503.
 * Both say nothing that a stranger could use.
 */
export function setUpHealth(app: FastifyInstance, { owner }: Pick<Database, 'owner'>) {
  app.get('/health/live', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { status: 'live' };
  });

  app.get('/health/ready', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const checks = await readiness(owner);
    const ready = Object.values(checks).every((check) => check === 'ok');
    if (!ready) reply.code(503).header('retry-after', '5');
    return { status: ready ? 'ready' : 'not ready', checks };
  });
}

async function readiness(owner: Database['owner']) {
  // Bounded here, since a database that accepts and then says nothing has no time limit of its own.
  const migrated = await Promise.race([isMigrated(owner).catch(() => undefined), after(2000)]);
  return {
    database: migrated === undefined ? 'no answer' : 'ok',
    migrations: migrated === undefined ? 'unknown' : migrated ? 'ok' : 'behind',
  };
}

function after(ms: number) {
  return new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
