import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InjectOptions } from 'fastify';
import pino from 'pino';
import { createAudit } from '../../src/audit/audit.ts';
import { loadConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { fhirRoutes } from '../../src/fhir/routes.ts';
import { createHttp } from '../../src/http.ts';
import { smartConfiguration } from '../../src/oauth/metadata.ts';
import { oauthRoutes } from '../../src/oauth/routes.ts';
import { testDatabase } from '../support/database.ts';
import { testDefinitions } from '../support/world.ts';

export type Service = Awaited<ReturnType<typeof startService>>;

export const BASE_URL = 'https://records.example';

/** The FHIR and OAuth rooms as the service composes them, with the real audit, over a database of the test's own. */
export async function startService() {
  const db = await testDatabase({ poolSize: 6 });
  const definitions = await testDefinitions();
  const config = loadConfig({ LOG_LEVEL: process.env.LOG_LEVEL ?? 'error' });
  const log = pino({ level: config.logLevel });
  const secrets = {
    pepper: randomBytes(32),
    cookieKey: randomBytes(32),
    auditKey: randomBytes(32),
    encryptionKey: randomBytes(32),
  };
  const now = () => new Date();
  const audit = createAudit({ database: db.database, secrets, log, now });
  const context: Context = {
    config,
    secrets,
    database: db.database,
    audit,
    log,
    baseUrl: () => BASE_URL,
    now,
  };
  const app = createHttp(config, log);
  const routes: { method: string | string[]; url: string }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    routes.push({ method, url });
  });
  await app.register(oauthRoutes(context));
  await app.register(fhirRoutes(context, definitions, smartConfiguration));
  await app.ready();
  let sent = 0;

  return {
    db,
    owner: db.database.owner,
    definitions,
    context,
    routes,
    /** How many requests were sent through `send` and `sendRaw`. */
    sent: () => sent,
    async send(options: InjectOptions) {
      sent += 1;
      return app.inject(options);
    },
    /** Over a real socket, for what inject() would tidy up: the path goes out as it is written here. */
    async sendRaw(options: { method: string; path: string; headers: string[]; body?: string }) {
      sent += 1;
      if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
      return overSocket((app.server.address() as AddressInfo).port, options);
    },
    async auditRecords(): Promise<number> {
      const { rows } = await db.database.owner.query(
        `select count(*)::integer as n from audit_record where kind in ('fhir', 'token')`,
      );
      return rows[0].n;
    },
    async stop() {
      await app.close();
      await audit.close();
      await db.stop();
    },
  };
}

function overSocket(
  port: number,
  { method, path, headers, body }: { method: string; path: string; headers: string[]; body?: string },
) {
  return new Promise<{ statusCode: number; body: string }>((resolve, reject) => {
    // As a flat list, headers go out as often as they stand in it.
    const list = ['host', `127.0.0.1:${port}`, ...headers];
    if (body !== undefined) list.push('content-length', String(Buffer.byteLength(body)));
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers: list }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ statusCode: response.statusCode ?? 0, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
