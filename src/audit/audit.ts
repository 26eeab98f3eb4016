import type { BaseLogger } from 'pino';
import type { Database } from '../database/connect.ts';
import type { Secrets } from '../secrets.ts';
import { createChains } from './chain.ts';
import { type AuditEntry, toValues } from './entry.ts';
import { createSession } from './session.ts';
import { createWriter, type WriterLimits } from './writer.ts';

export type { AuditEntry } from './entry.ts';
export { describeQuery, hashNumbers, hashPersonal, healthNumbersIn } from './personal.ts';
export { AuditUnavailable } from './unavailable.ts';

export type Audit = ReturnType<typeof createAudit>;

/**
 * The audit of this process: its own connection to the database and its own chain of records.
 *
 * `record` resolves when the record is durable; no answer may leave before.
 * @param limits for tests; the defaults are right for the service.
 */
export function createAudit({ database, secrets, log, now, limits }: AuditNeeds) {
  const session = createSession(database);
  const chains = createChains({ secrets, log, now });
  const writer = createWriter({ session, chains, log, limits });

  return {
    /**
     * Resolves when the record is committed. Its order among others is the order of the calls.
     * @throws {AuditUnavailable} (503) when it cannot be made durable in time. Whether it stands is then not certain:
     * a record says what was decided, and it is written before the answer, so the answer may never have left.
     * @throws {TypeError} for an entry that no row can hold, such as an id that is no UUID: a mistake in the caller.
     */
    async record(entry: AuditEntry): Promise<void> {
      return writer.write(toValues(entry, now));
    },

    /** Whether records can be written now, and how far the chain has come. */
    health: writer.health,

    /** Takes no more, writes what waits, ends the chain with a signed checkpoint. Gives up after the usual wait. */
    close: writer.close,
  };
}

type AuditNeeds = {
  database: Pick<Database, 'newClient'>;
  secrets: Pick<Secrets, 'auditKey'>;
  log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  now: () => Date;
  limits?: Partial<WriterLimits>;
};
