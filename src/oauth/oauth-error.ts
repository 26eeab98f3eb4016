/**
 * A refusal as RFC 6749 section 5.2 has it. `error` and `description` go to the caller; `reason` is the finer code
 * for the audit trail, which may tell what the caller must not learn.
 */
export class OAuthError extends Error {
  readonly error: string;
  readonly description: string;
  readonly status: number;
  readonly reason: string;
  readonly retryAfterS: number | undefined;

  constructor(
    error: string,
    description: string,
    more: { status?: number; reason?: string; retryAfterS?: number } = {},
  ) {
    super(`${error}: ${description}`);
    this.error = error;
    this.description = description;
    this.status = more.status ?? (error === 'invalid_client' ? 401 : 400);
    this.reason = more.reason ?? error;
    this.retryAfterS = more.retryAfterS;
  }
}

export const invalidRequest = (description: string, status = 400) =>
  new OAuthError('invalid_request', description, { status });

/** One text for whatever depends on what is registered, so that nothing is learned from it. */
export const NOT_AUTHENTICATED = 'the system could not be authenticated';

export const invalidClient = (reason: string, description: string = NOT_AUTHENTICATED) =>
  new OAuthError('invalid_client', description, { reason });

/** No code of RFC 6749 says "later"; this one is registered for the purpose, and the status and header say it too. */
export const later = (status: 429 | 503, retryAfterS: number, description: string, reason: string) =>
  new OAuthError('temporarily_unavailable', description, { status, reason, retryAfterS });
