/**
 * Whether an error means that the database is away or overloaded for now, so that the same request may succeed later
 * (503 with Retry-After), rather than that the request or the code is wrong.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined && (SQLSTATES.test(code) || SOCKET_ERRORS.has(code))) return true;
  if (code === 'ENOENT' && syscall === 'connect') return true; // the Unix socket is not there
  if (DRIVER_MESSAGES.test(error.message)) return true;
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  return error.cause !== undefined && isUnavailable(error.cause);
}

/**
 * Connection exceptions (08), out of resources (53), statement or lock timed out (57014, 55P03), shutting down or
 * starting (57P01-05), idle too long in a transaction (25P03), a standby after a failover (25006), disk errors (58030).
 */
const SQLSTATES = /^(08...|53...|57014|55P03|57P0[1-5]|25P03|25006|58030)$/;

const SOCKET_ERRORS = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN'.split(' '),
);

/** pg and pg-pool give these no code. */
const DRIVER_MESSAGES =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Client has encountered a connection error|Query read timeout|Cannot use a pool after calling end|Client was closed and is not queryable)/;
