import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { createAudit } from '../../src/audit/audit.ts';
import { type Config, ConfigError, KEY_SETTINGS, loadConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrate.ts';
import { loadSecrets } from '../../src/secrets.ts';

/**
 * The service's own database, keys and audit, from the service's own settings. A new database gets its tables.
 * @throws {ConfigError | StartError} saying what to do; nothing is left open then.
 */
export async function openTools(env: NodeJS.ProcessEnv) {
  const config = loadConfig(env);
  const hasKeys =
    existsSync(join(config.dataDir, 'secrets')) || KEY_SETTINGS.every((name) => config.keys[name]);
  const log = pino({ level: 'silent' });
  const database = await openDatabase(config, log);
  try {
    if (!hasKeys) await refuseNewKeys(config, database.owner);
    const secrets = loadSecrets(config);
    await migrate(database.owner, log);
    const audit = createAudit({ database, secrets, log, now: () => new Date() });
    const close = async () => {
      await audit.close();
      await database.stop();
    };
    return { database, secrets, baseUrl: config.baseUrl, audit, close };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** A secret made with keys other than the service's would be void, and its audit could not be checked. */
async function refuseNewKeys({ dataDir, databaseUrl }: Config, owner: { query: QueryOne }) {
  if (!databaseUrl) return; // the embedded database lies beside its keys
  const { rows } = await owner.query(`select to_regclass('schema_migration') is not null as used`);
  if (rows[0]?.used) {
    throw new ConfigError([
      `the database is in use, but ${dataDir} holds no keys: set DATA_DIR, or ${KEY_SETTINGS.join(', ')}, as for the service.`,
    ]);
  }
}

type QueryOne = (text: string) => Promise<{ rows: { used?: boolean }[] }>;
