export type DirectoryErrorCode =
  | 'DETAILS_INVALID'
  | 'ORGANISATION_EXISTS'
  | 'ORGANISATION_UNKNOWN'
  | 'ACCOUNT_UNKNOWN'
  | 'ACCOUNT_DISABLED'
  | 'ACCOUNT_NOT_DISABLED'
  | 'STAFF_ROLE_HELD'
  | 'STAFF_ROLE_UNKNOWN'
  | 'IDENTITY_PROVIDER_UNKNOWN';

/** Why something about an organisation or its staff could not be done, in words for whoever asked for it. */
export class DirectoryError extends Error {
  readonly code: DirectoryErrorCode;

  constructor(code: DirectoryErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
