import type { Context } from '../context.ts';
import { isUnavailable } from '../database/unavailable.ts';
import { createAttempts } from './attempts.ts';
import { callerOf } from './caller.ts';
import { assertionFault } from './check-assertion.ts';
import { type Endpoint, PATHS } from './endpoints.ts';
import { issueToken } from './issue-token.ts';
import { invalidClient, later, OAuthError } from './oauth-error.ts';
import { type Asked, createProvider } from './provider.ts';
import { readCredentials } from './read-credentials.ts';
import { readForm } from './read-form.ts';
import type { RefreshKeys } from './refresh-keys.ts';
import { fhirBaseOf } from './resource-indicator.ts';
import { createStore } from './store.ts';

export type TokenRequest = {
  contentType: string | undefined;
  authorization: string | undefined;
  body: string;
  address: string;
};

/** What is answered, and what the audit trail says of it. */
export type Answer = {
  status: number;
  /** JSON text, or nothing. */
  body: string;
  error?: OAuthError;
  outcome: string;
  /** The client id as sent; `known` when a system has it, whatever its standing. */
  clientId?: string;
  known?: boolean;
  organisationId?: string | null;
  detail?: string;
};

/** Answers the requests of systems: token, introspection, revocation. Never throws: what went wrong is an answer too. */
export function createAnswerer(context: Context, refreshKeys: RefreshKeys) {
  const { secrets, now, log } = context;
  const issuer = context.baseUrl();
  const { pepper } = secrets;
  const store = createStore(context.database.service);
  const attempts = createAttempts(context.database.service, pepper);
  const audiences = [`${issuer}${PATHS.token}`, issuer];
  const ask = createProvider({
    issuer,
    pepper,
    store,
    resourceOf: (id) => fhirBaseOf(issuer, id),
  });

  async function answer(endpoint: Endpoint, request: TokenRequest, about: About): Promise<Answer> {
    const form = readForm(request.contentType, request.body);
    const credentials = readCredentials(request.authorization, form);
    about.clientId = credentials.clientId;
    const { clientId, method } = credentials;
    const subject = attempts.subjectOf(clientId, request.address);
    const { system, known, blockedForS } = await store.findCaller(clientId, method, subject);
    about.known = known;
    if (blockedForS !== undefined) throw tooManyAttempts(blockedForS);
    if (method === 'private_key_jwt') {
      const fault = assertionFault(credentials, { audiences, now: now() });
      if (fault) throw fault;
    }
    const caller = await callerOf(credentials, system, refreshKeys);

    const asked: Asked = {
      caller,
      replayed: false,
      async issue(scope, resource) {
        if (!system) throw invalidClient('not-registered');
        const { token, organisationId } = await issueToken(
          { store, baseUrl: issuer },
          { clientId, system },
          { scope, resource },
        );
        about.organisationId = organisationId;
        about.detail = token.scope;
        return token;
      },
    };
    const { status, body } = await ask(endpoint, form, request.authorization, asked);
    // The provider has proven the caller by now. If it ever let nobody pass, nobody would still get nothing.
    if (status === 200 && system) return { status, body, outcome: 'allowed', ...about };
    if (status === 200) throw invalidClient('not-registered');
    if (status === 401) await attempts.failed(subject);
    return { ...refusal(endpoint, body, asked), ...about };
  }

  return async function answerRequest(endpoint: Endpoint, request: TokenRequest): Promise<Answer> {
    const about: About = {};
    try {
      return await answer(endpoint, request, about);
    } catch (error) {
      if (!(error instanceof OAuthError) && !isUnavailable(error))
        log.error({ err: error }, 'a token request failed');
      return { ...failed(error), ...about };
    }
  };
}

export type AnswerRequest = ReturnType<typeof createAnswerer>;

type About = Pick<Answer, 'clientId' | 'known' | 'organisationId' | 'detail'>;

/** What the answer to an error is. Nothing of what is inside is told. */
export function failed(error: unknown): Answer {
  const refused =
    error instanceof OAuthError
      ? error
      : isUnavailable(error)
        ? unavailable()
        : new OAuthError('server_error', 'this request could not be answered', { status: 500 });
  return { status: refused.status, body: bodyOf(refused), error: refused, outcome: refused.reason };
}

const tooManyAttempts = (seconds: number) =>
  later(429, seconds, 'too many failed attempts from this address: wait', 'too-many-attempts');

export const unavailable = () =>
  later(503, 5, 'the service cannot answer for the moment: try again', 'unavailable');

function refusal(endpoint: Endpoint, body: string, asked: Asked): Answer {
  const { error, error_description: description } = JSON.parse(body);
  // RFC 7662 section 2.2 and RFC 7009 section 2.2: a token that is none of ours is no error.
  if (error === 'unsupported_token_type') {
    return { status: 200, body: endpoint === 'introspect' ? '{"active":false}' : '', outcome: 'allowed' };
  }
  if (error !== 'invalid_client') {
    if (!TOLD.has(error)) throw new Error(`the provider answered ${error}: ${description}`);
    return failed(new OAuthError(error, description));
  }
  // Told only to who holds the key: the signature was good.
  if (asked.replayed)
    return failed(invalidClient('assertion-replayed', 'each assertion needs a jti of its own'));
  return failed(invalidClient('not-authenticated'));
}

/** The errors that are about the request; what else the provider may say is about ourselves. */
const TOLD = new Set([
  'invalid_request',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
]);

function bodyOf({ error, description }: OAuthError) {
  return JSON.stringify({ error, error_description: description });
}
