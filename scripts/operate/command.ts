import type { AuditEntry } from '../../src/audit/audit.ts';
import type { Database } from '../../src/database/connect.ts';
import type { Secrets } from '../../src/secrets.ts';

/** What a command works with: opened for it, closed after it. */
export type Tools = {
  database: Database;
  secrets: Secrets;
  /** Where people reach the service, when BASE_URL is set. */
  baseUrl: string | undefined;
};

type Option = {
  /** What the value is, as the usage shows it: 'name', 'e-mail'. */
  value: string;
  meaning: string;
  optional?: true;
};

/** What was done: whom it concerned, for the audit, and what to print once that is durable. */
export type Done = {
  about: Pick<AuditEntry, 'clientId' | 'organisationId' | 'resourceType' | 'resourceId' | 'detail'>;
  lines: string[];
};

export type Command = {
  summary: string;
  options: Record<string, Option>;
  /** The option whose value may be given without its name. */
  first?: string;
  /**
   * What is asked before it is run, unless `--yes` was given.
   * @throws as `run`, when that would be refused anyhow.
   */
  asks?: (values: Values, tools: Tools) => Promise<string>;
  /** @throws an error with a `code` when it is refused; nothing has changed then. */
  run: (values: Values, tools: Tools) => Promise<Done>;
};

/** A value for each option; an optional one that was not given is '', and `yes` is 'true' if it was. */
export type Values = (option: string) => string;

/** A command that cannot be understood, or a file that cannot be read: nothing was opened or changed. */
export class UsageError extends Error {
  readonly code = 'USAGE';
}
