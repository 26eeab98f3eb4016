/** What the people who run a third-party system should do about each refusal. Codes are stable; texts are not. */
const ADVICE: Record<string, string> = {
  // The token endpoint (RFC 6749 section 5.2, RFC 8707).
  invalid_client:
    'Check the client ID, that the key or secret is the registered one, and that your system is live and this computer’s clock is right.',
  invalid_request: 'The request for a token is not well formed: the text says what is wrong.',
  invalid_scope: 'Ask only for scopes that your system is registered for.',
  invalid_target:
    'The FHIR base is not one of this service. Use the address that the administrator sent you.',
  unsupported_grant_type: 'Only client_credentials is served.',
  temporarily_unavailable: 'Wait a minute, then try again.',

  // Who asks, and for whom.
  'token-missing': 'Send the header Authorization: Bearer.',
  'token-invalid': 'Get a new token. If new ones are refused too, ask whether your system was suspended.',
  'system-not-live': 'Your system is not live. Ask the operator of the service.',
  'organisation-missing': 'Use the organisation’s own FHIR base, or send the header X-Org-Public-Id.',
  'organisation-mismatch': 'The token is for another organisation. Get one for this FHIR base.',
  'connection-none':
    'Check the FHIR base. If it is right, ask an administrator of the organisation to grant your system access.',
  'connection-suspended': 'Ask the organisation why it paused access, and wait until it resumes it.',
  'connection-expired': 'The last day of access has passed. Ask the organisation to grant access again.',
  'connection-revoked': 'Stop calling. If it was not meant, ask the organisation to grant access again.',
  'scope-insufficient':
    'Ask for a token with this scope; if the organisation did not grant it, ask its administrator.',
  'label-not-covered':
    'Use a privacy label that the connection covers, or ask the administrator for this one.',

  // What is asked for, and writes.
  'not-found': 'Check the identifier. The patient must be registered with this organisation.',
  gone: 'It was deleted. Remove your copy.',
  'not-own': 'Another organisation wrote it: read it, do not change it.',
  'search-unsupported': 'Leave the parameter out; the text lists those that are known.',
  'resource-invalid': 'Correct the resource where the text says.',
  'patient-unknown': 'Register the patient with the organisation first.',
  'patient-fixed': 'Delete the resource and create it for the right patient.',
  'version-conflict': 'Read it again, and decide anew.',
  'write-contended': 'Try again a little later.',
  'condition-unsupported': 'Use identifier=system|value, with an identifier that the resource itself has.',
  'multiple-matches': 'Use the resource’s id.',
  'body-too-large': 'Send less at a time.',
  'attachment-refused': 'Send PDF, HTML, plain text or a picture, declared as what it is.',
  'too-many': 'Send several requests, each with fewer.',
  'parameters-invalid': 'Correct the Parameters where the text says.',
  'idempotency-key-reused': 'Use a new Idempotency-Key for another request.',

  // When it is the service.
  unavailable: 'Wait a little, then run it again.',
  internal: 'It is a mistake of the service: tell its operator the reference.',
};

/** What to do about a refusal with this code. */
export function adviceFor(code: string, status: number): string {
  const known = ADVICE[code];
  if (known) return known;
  if (status === 429) return 'You are calling too often: wait a minute, then try again.';
  if (status >= 500)
    return 'Wait a little, then run it again. If it goes on, tell the operator of the service.';
  return 'Correct the request; docs/errors.md lists all codes.';
}
