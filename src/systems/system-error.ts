export type SystemErrorCode =
  | 'SYSTEM_UNKNOWN'
  | 'SYSTEM_DETAILS_INVALID'
  | 'SYSTEM_SCOPES_INVALID'
  | 'SYSTEM_METHOD_OTHER'
  | 'SYSTEM_STANDING_OTHER'
  | 'SYSTEM_NO_CREDENTIALS'
  | 'SECRETS_TOO_MANY'
  | 'SECRET_UNKNOWN'
  | 'KEYS_INVALID'
  | 'KEYS_URL_INVALID';

/** Why something about a system could not be done. The message is plain enough for the vendor's page. */
export class SystemError extends Error {
  readonly code: SystemErrorCode;

  constructor(code: SystemErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
