import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/**
 * Structured logs on standard output: ids, codes and durations, never a name, a number, a token or an address
 * of a page. What an error of the database says may quote the row it failed on, so only its codes are kept.
 */
export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  return pino({
    level: config.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    serializers: { err: describeError },
  });
}

/** An error as it may stand in a log. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint, table, routine, severity } = error as Error & Record<string, unknown>;
  const stack = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  if (severity !== undefined) return { type: 'DatabaseError', code, constraint, table, routine, stack };
  const cause = error.cause === undefined ? undefined : describeError(error.cause);
  return { type: error.name, code, message: error.message, stack, cause };
}
