/** The record of a request could not be made durable in time, so its answer must not leave: 503, try again. */
export class AuditUnavailable extends Error {
  readonly code = 'AUDIT_UNAVAILABLE';
  readonly statusCode = 503;

  constructor(why: string, options?: ErrorOptions) {
    super(`The audit record could not be written: ${why}.`, options);
  }
}
