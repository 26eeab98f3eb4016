import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { invalidClient, invalidRequest } from './oauth-error.ts';
import type { Form } from './read-form.ts';

/** Who the caller says it is, and by which method it would prove it. Nothing here is proven yet. */
export type Credentials = SecretCredentials | AssertionCredentials;
type SecretCredentials = { method: 'client_secret_basic'; clientId: string };
export type AssertionCredentials = {
  method: 'private_key_jwt';
  clientId: string;
  header: ProtectedHeaderParameters;
  claims: JWTPayload;
};

/**
 * Reads the client authentication of a request.
 * @throws {OAuthError} invalid_client for none, an unsupported or a malformed one; invalid_request for several.
 */
export function readCredentials(authorization: string | undefined, form: Form): Credentials {
  const assertion = form.get('client_assertion');
  if (form.has('client_secret')) {
    throw invalidClient(
      'method-unsupported',
      'client_secret_post is not supported: send the secret by HTTP Basic',
    );
  }
  if (authorization !== undefined && assertion !== undefined) {
    throw invalidRequest('use one way of authenticating, not two'); // RFC 6749 section 2.3
  }
  const credentials = assertion === undefined ? readBasic(authorization) : readAssertion(assertion, form);
  const named = form.get('client_id');
  if (named !== undefined && named !== credentials.clientId) {
    throw invalidRequest('client_id is not the system that authenticates');
  }
  return credentials;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function readBasic(authorization: string | undefined): SecretCredentials {
  if (authorization === undefined) {
    throw invalidClient('credentials-missing', 'authenticate by HTTP Basic or by client_assertion');
  }
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1 || colon === pair.length - 1) {
    throw invalidClient(
      'credentials-malformed',
      'the Authorization header must be Basic with client id and secret',
    );
  }
  const clientId = formDecode(pair.slice(0, colon));
  const secret = formDecode(pair.slice(colon + 1));
  if (!clientId || !secret) {
    throw invalidClient(
      'credentials-malformed',
      'client id and secret must be form-urlencoded before base64',
    );
  }
  return { method: 'client_secret_basic', clientId };
}

/** RFC 6749 section 2.3.1: both are form-urlencoded before they are joined. VSCHAR only (appendix A). */
function formDecode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', '%20'));
    return /^[\x20-\x7e]{1,500}$/.test(decoded) ? decoded : undefined;
  } catch {
    return undefined;
  }
}

function readAssertion(assertion: string, form: Form): AssertionCredentials {
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw invalidRequest(`client_assertion_type must be ${ASSERTION_TYPE}`);
  }
  try {
    const header = decodeProtectedHeader(assertion);
    const claims = decodeJwt(assertion);
    if (typeof claims.sub === 'string' && /^[\x20-\x7e]{1,500}$/.test(claims.sub)) {
      return { method: 'private_key_jwt', clientId: claims.sub, header, claims };
    }
  } catch {
    throw invalidClient('assertion-malformed', 'client_assertion is not a signed JWT');
  }
  throw invalidClient('assertion-subject', 'the assertion must have iss and sub, both the client id');
}
