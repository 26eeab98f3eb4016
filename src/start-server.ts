import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createAudit } from './audit/audit.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { openDatabase } from './database/connect.ts';
import { migrate } from './database/migrate.ts';
import { StartError } from './database/start-error.ts';
import { createDemoIdentityProvider } from './demo/identity-provider/index.ts';
import { announceDemo, setUpDemo } from './demo/set-up.ts';
import { openDefinitions } from './fhir/definitions/open-definitions.ts';
import { fhirRoutes } from './fhir/routes.ts';
import { setUpHealth } from './health.ts';
import { createHttp } from './http.ts';
import { createLog } from './log.ts';
import { setUpMetrics } from './metrics.ts';
import { smartConfiguration } from './oauth/metadata.ts';
import { oauthRoutes } from './oauth/routes.ts';
import { setUpPages } from './pages.ts';
import { loadSecrets } from './secrets.ts';
import { pushRoutes } from './subscriptions/index.ts';
import { oneTimeLaunchRoutes } from './systmone/one-time-routes.ts';

/**
 * Starts the whole service: database, migrations, audit, then HTTP. Resolves once requests are answered.
 * `stop` finishes what is in flight, then ends the audit chain and the database, in that order.
 * @throws {ConfigError | StartError} saying what to do, when it cannot start. Nothing is left running then.
 */
export async function startServer(config: Config, log = createLog(config)) {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const secrets = loadSecrets(config);
    const database = await openDatabase(config, log);
    undo.push(database.stop);
    await migrate(database.owner, log);

    const now = () => new Date();
    const definitions = await openDefinitions(join(config.dataDir, 'definitions'));
    const audit = createAudit({ database, secrets, log, now });
    undo.push(audit.close);
    const world = await setUpDemo({ audit, config, secrets, database, now });

    const app = createHttp(config, log);
    undo.push(() => app.close());
    let listening: string | undefined;
    const baseUrl = () => {
      listening ??= config.baseUrl ?? addressOf(app, config); // each request asks
      return listening;
    };
    const context: Context = { config, secrets, database, audit, log, baseUrl, now };
    setUpMetrics(app, config, database);
    setUpHealth(app, database);
    await app.register(oauthRoutes(context));
    await app.register(oneTimeLaunchRoutes(context));
    await app.register(fhirRoutes(context, definitions, smartConfiguration));
    await app.register(pushRoutes(context));
    await setUpPages(app, context, world && createDemoIdentityProvider(app, world, baseUrl));
    await listen(app, config);
    const demo = world && (await announceDemo(world, context));
    return { app, context, baseUrl: baseUrl(), demo, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export type Server = Awaited<ReturnType<typeof startServer>>;

async function listen(app: FastifyInstance, { host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const wrong = CANNOT_LISTEN[(error as NodeJS.ErrnoException).code ?? ''];
    if (wrong === undefined) throw error;
    throw new StartError('CANNOT_LISTEN', wrong(host, port));
  }
}

const CANNOT_LISTEN: Record<string, (host: string, port: number) => string> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is in use: set PORT to another one, or stop what uses it.`,
  EACCES: (_host, port) => `Port ${port} is not open to this user: set PORT to one above 1023.`,
  EADDRNOTAVAIL: (host) => `HOST is ${host}, which is no address of this machine: set one that is.`,
  ENOTFOUND: (host) => `HOST is ${host}, which is no address of this machine: set one that is.`,
};

function addressOf(app: FastifyInstance, { host }: Pick<Config, 'host'>): string {
  const { port } = app.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
