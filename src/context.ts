import type { FastifyBaseLogger } from 'fastify';
import type { Audit } from './audit/audit.ts';
import type { Config } from './config.ts';
import type { Database } from './database/connect.ts';
import type { Secrets } from './secrets.ts';

/** What every room is handed when it is set up. Nothing here changes while the service runs. */
export type Context = {
  config: Config;
  secrets: Secrets;
  database: Database;
  audit: Audit;
  log: FastifyBaseLogger;
  /** The address people and systems use, no trailing slash. Known once the server listens. */
  baseUrl: () => string;
  /** The time, injected so that tests need not wait. Promises about tokens and grants use the database's. */
  now: () => Date;
};
