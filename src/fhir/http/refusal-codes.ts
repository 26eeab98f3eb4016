/**
 * Every code with which a FHIR request is refused: HTTP status, FHIR issue type (R4 value set `issue-type`) and what
 * is said to people. The codes are an interface: they are documented in docs/errors.md and do not change.
 */
export const REFUSALS = {
  'token-missing': {
    status: 401,
    issue: 'login',
    text: 'An access token is needed: send it in the header "Authorization: Bearer …".',
  },
  'token-invalid': {
    status: 401,
    issue: 'login',
    text: 'The access token is unknown, revoked or has expired. Ask for a new one.',
  },
  'system-not-live': {
    status: 403,
    issue: 'forbidden',
    text: 'This system is not live, so it may not use the API. Ask the operator of this service.',
  },
  'organisation-missing': {
    status: 400,
    issue: 'required',
    text: 'Say for which organisation you ask: use its own base URL, or send the header X-Org-Public-Id.',
  },
  'organisation-mismatch': {
    status: 403,
    issue: 'forbidden',
    text: 'The access token was issued for another organisation.',
  },
  'connection-none': {
    status: 403,
    issue: 'forbidden',
    text: 'No organisation by this identifier has given this system access.',
  },
  'connection-suspended': {
    status: 403,
    issue: 'suppressed',
    text: 'The organisation has suspended this system’s access.',
  },
  'connection-expired': {
    status: 403,
    issue: 'expired',
    text: 'The access that the organisation gave this system has ended on its end date.',
  },
  'connection-revoked': {
    status: 403,
    issue: 'forbidden',
    text: 'The organisation has revoked this system’s access.',
  },
  'scope-insufficient': {
    status: 403,
    issue: 'forbidden',
    text: 'The scopes of the token, of the connection and of the system’s registration must all cover this.',
  },
  'label-not-covered': {
    status: 403,
    issue: 'forbidden',
    text: 'The connection does not cover the privacy label of this entry.',
  },
  'not-own': {
    status: 403,
    issue: 'forbidden',
    text: 'This was written by another organisation: it can be read here, not changed.',
  },
  'patient-choice': {
    status: 403,
    issue: 'forbidden',
    text: 'This is the patient’s own choice. Only the patient changes it, on their own pages.',
  },
  'not-found': { status: 404, issue: 'not-found', text: 'There is no such resource.' },
  gone: { status: 410, issue: 'deleted', text: 'This resource has been deleted.' },
  'type-unknown': {
    status: 404,
    issue: 'not-supported',
    text: 'This is not a resource type of FHIR R4.',
  },
  'interaction-unknown': {
    status: 404,
    issue: 'not-supported',
    text: 'There is nothing at this address. See the CapabilityStatement at /metadata.',
  },
  'method-not-allowed': {
    status: 405,
    issue: 'not-supported',
    text: 'This method is not supported here; the header Allow lists those that are.',
  },
  'format-not-acceptable': {
    status: 406,
    issue: 'not-supported',
    text: 'Answers are application/fhir+json (or application/json) in UTF-8 only.',
  },
  'format-not-supported': {
    status: 415,
    issue: 'not-supported',
    text: 'Send application/fhir+json or application/json in UTF-8.',
  },
  'body-too-large': {
    status: 413,
    issue: 'too-costly',
    text: 'The body is larger than this service takes: 2 MB, 14 MB for a Binary, or 20 MB for a batch or transaction.',
  },
  'body-malformed': { status: 400, issue: 'structure', text: 'The body is not well-formed JSON in UTF-8.' },
  'request-malformed': { status: 400, issue: 'invalid', text: 'The request is not well formed.' },
  'parameters-invalid': {
    status: 400,
    issue: 'invalid',
    text: 'The Parameters are not what this operation takes.',
  },
  'idempotency-key-invalid': {
    status: 400,
    issue: 'value',
    text: 'An Idempotency-Key is 1 to 255 visible ASCII characters.',
  },
  'idempotency-key-reused': {
    status: 422,
    issue: 'conflict',
    text: 'This Idempotency-Key was sent before with another request. Nothing was done; use a new key.',
  },
  'resource-invalid': { status: 422, issue: 'invalid', text: 'The resource is not valid FHIR R4.' },
  'attachment-unknown': {
    status: 422,
    issue: 'not-found',
    text: 'The patient could not open the letter: a Binary that it names is not there, or not one of yours about the same patient.',
  },
  'attachment-refused': {
    status: 422,
    issue: 'value',
    text: 'The attachment, or the delay until the patient sees it, is not one that is taken. Nothing was kept.',
  },
  'id-mismatch': {
    status: 400,
    issue: 'value',
    text: 'The id in the resource must be the id in the address.',
  },
  'label-invalid': {
    status: 422,
    issue: 'code-invalid',
    text: 'meta.security may hold one privacy label at most, and only one of the four that there are.',
  },
  'patient-unknown': {
    status: 422,
    issue: 'business-rule',
    text: 'The patient that this is about is not registered with the organisation.',
  },
  'patient-ambiguous': {
    status: 422,
    issue: 'business-rule',
    text: 'This must be about one patient, named by a reference of the form Patient/id.',
  },
  'patient-fixed': {
    status: 422,
    issue: 'business-rule',
    text: 'An update cannot move a resource to another patient.',
  },
  'identifier-invalid': {
    status: 422,
    issue: 'value',
    text: 'A national identifier is not of its form, or its check digit is wrong.',
  },
  'birth-date-needed': {
    status: 422,
    issue: 'required',
    text: 'A patient with a national identifier needs a full date of birth.',
  },
  'national-identifier-needed': {
    status: 422,
    issue: 'required',
    text: 'A patient is registered by a national identifier: an NHS, CHI or Health and Care number.',
  },
  'demographics-needed': {
    status: 422,
    issue: 'required',
    text: 'A patient is registered with family name, given name, gender and full date of birth.',
  },
  'team-unknown': {
    status: 422,
    issue: 'value',
    text: 'The organisation has no team of this name.',
  },
  'team-default-missing': {
    status: 422,
    issue: 'business-rule',
    text: 'Where teams are named, the organisation’s default team must be among them.',
  },
  'team-not-covered': {
    status: 403,
    issue: 'forbidden',
    text: 'The connection does not cover a team that was named.',
  },
  'birth-date-mismatch': {
    status: 422,
    issue: 'business-rule',
    text: 'The date of birth does not agree with what is known for this national identifier. Nothing was linked.',
  },
  'identifier-conflict': {
    status: 422,
    issue: 'conflict',
    text: 'The national identifiers do not belong to one and the same patient.',
  },
  'identifier-in-use': {
    status: 409,
    issue: 'conflict',
    text: 'A national identifier by which another organisation knows the patient cannot be taken away.',
  },
  'patient-in-use': {
    status: 409,
    issue: 'conflict',
    text: 'The patient cannot be deleted while other records or registrations hang on it.',
  },
  'version-conflict': {
    status: 412,
    issue: 'conflict',
    text: 'The resource is no longer at the version given in If-Match. Read it again and decide anew.',
  },
  'multiple-matches': {
    status: 412,
    issue: 'multiple-matches',
    text: 'More than one resource matches the condition.',
  },
  'write-contended': {
    status: 409,
    issue: 'lock-error',
    text: 'Others kept changing this resource at the same time. Nothing was changed; try again.',
  },
  'condition-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: 'The condition must be one identifier: identifier=system|value.',
  },
  'search-unsupported': {
    status: 400,
    issue: 'not-supported',
    text: 'The search asks for what is not supported.',
  },
  'search-malformed': { status: 400, issue: 'value', text: 'A search value is not well formed.' },
  'cursor-invalid': {
    status: 400,
    issue: 'value',
    text: 'This link to a page is not one that was given for this search.',
  },
  'batch-invalid': {
    status: 400,
    issue: 'invalid',
    text: 'The Bundle is not a usable batch or transaction.',
  },
  'too-many': {
    status: 413,
    issue: 'too-costly',
    text: 'The Bundle has more entries than this service takes at once.',
  },
  unavailable: {
    status: 503,
    issue: 'transient',
    text: 'The service cannot answer just now. Nothing was changed unless a later read shows it; try again shortly.',
  },
  internal: {
    status: 500,
    issue: 'exception',
    text: 'Something went wrong here. It has been noted under the reference.',
  },
} as const satisfies Record<string, { status: number; issue: string; text: string }>;

export type RefusalCode = keyof typeof REFUSALS;
