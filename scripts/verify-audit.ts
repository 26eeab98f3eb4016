import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { headOf } from '../src/audit/record.ts';
import { REASONS, verifyAudit } from '../src/audit/verify.ts';
import { ConfigError, loadConfig } from '../src/config.ts';
import { openDatabase } from '../src/database/connect.ts';
import { loadSecrets } from '../src/secrets.ts';

const USAGE = `npm run audit:verify [-- chain:sequence:hash …]

Checks that the audit trail is as it was written: of the database at DATABASE_URL, or of the one under
DATA_DIR while the service is stopped. Ends with 1 when it is not, with 2 when that cannot be told.
What you have kept elsewhere of a chain (the log's "audit checkpoint" lines) may be given to compare.`;

/** Prints a line for each chain. @returns the exit code. */
async function main(): Promise<number> {
  const names = process.argv.slice(2);
  const witnesses = names.map(headOf).filter((head) => head !== undefined);
  if (witnesses.length < names.length) throw new ConfigError([USAGE]);
  const config = loadConfig(process.env);
  // Neither an empty database nor a new key may be made here: they would verify nothing.
  const kept = existsSync(join(config.dataDir, 'secrets'));
  if (!kept && !(config.databaseUrl && config.keys.AUDIT_KEY)) {
    throw new ConfigError([
      `there is nothing in ${config.dataDir}: set DATA_DIR, or DATABASE_URL and AUDIT_KEY, as for the service.`,
    ]);
  }
  const { auditKey } = config.keys.AUDIT_KEY ? { auditKey: config.keys.AUDIT_KEY } : loadSecrets(config);

  const database = await openDatabase(config, pino({ level: 'silent' }));
  const client = database.newClient({ statement_timeout: 0, query_timeout: 0 });
  try {
    await client.connect();
    let chains = 0;
    let records = 0;
    let broken = 0;
    for await (const report of verifyAudit(client, auditKey, witnesses)) {
      chains += 1;
      records += report.records;
      broken += report.broken ? 1 : 0;
      const period = report.first ? `${report.first.toISOString()} to ${report.last?.toISOString()}` : '-';
      const tail = report.unsigned > 0 ? ` (${report.unsigned} after the last checkpoint)` : '';
      const verdict = report.broken
        ? `BROKEN at record ${report.broken.at}: ${REASONS[report.broken.reason]}`
        : `ok${tail}`;
      console.log(`${report.chain}  ${report.records} records  ${period}  ${verdict}`);
    }
    console.log(`${chains} chains, ${records} records: ${broken === 0 ? 'ok' : `${broken} BROKEN`}`);
    return broken === 0 ? 0 : 1;
  } finally {
    await client.end().catch(() => undefined);
    await database.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
