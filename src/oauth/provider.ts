import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ClientMetadata, errors, Provider } from 'oidc-provider';
import { answerOf, providerRequest } from './ask-provider.ts';
import type { Caller } from './caller.ts';
import { isKeptSecret, secretHash } from './client-secret.ts';
import { type Endpoint, PATHS } from './endpoints.ts';
import type { IssuedToken } from './issue-token.ts';
import { OAuthError } from './oauth-error.ts';
import { nothingKept, providerSettings } from './provider-settings.ts';
import type { Form } from './read-form.ts';
import type { Store, StoredToken } from './store.ts';
import { tokenHash } from './token-hash.ts';

export type Asked = {
  caller: Caller;
  /** Set when the assertion was genuine but had been used before. */
  replayed: boolean;
  issue: (scope: string | undefined, resource: string | undefined) => Promise<IssuedToken>;
};

export type ProviderNeeds = {
  issuer: string;
  pepper: Buffer;
  store: Store;
  resourceOf: (organisationId: string) => string;
};

/**
 * The authorization server, `oidc-provider`, with everything off but the client credentials grant, introspection and
 * revocation. What it is handed: who asks (`Caller`), what a grant gives (`issue`), and where tokens are kept.
 */
export function createProvider({ issuer, pepper, store, resourceOf }: ProviderNeeds) {
  const exchanges = new WeakMap<IncomingMessage, Asked>();
  const failures = new WeakMap<IncomingMessage, unknown>();
  const asked = () => exchanges.get(Provider.ctx!.req)!;

  const provider = new Provider(issuer, {
    ...providerSettings(),
    adapter: (name) => (name === 'ClientCredentials' ? tokens(store, asked, resourceOf) : nothingKept),
  });
  provider.on('server_error', (ctx, error) => failures.set(ctx.req, error));
  provider.silent = true; // Koa would print errors; `failures` has them

  // Its own would keep those found in a cache, and a caller could tell from the time which are.
  provider.Client.find = async () =>
    new (provider.Client as unknown as NewClient)(metadataOf(asked().caller));

  // Its own comparison wants the secret itself, which is not kept.
  provider.Client.prototype.compareClientSecret = async (actual: string) =>
    isKeptSecret(asked().caller.secrets, secretHash(pepper, actual));

  // Its own check looks first and stores afterwards, so that two at once would both pass.
  (provider.ReplayDetection as unknown as Replay).unique = async (clientId, jti, expiresAtS) => {
    const first = await store.useAssertion(clientId, createHash('sha256').update(jti).digest(), expiresAtS);
    asked().replayed = !first;
    return first;
  };

  provider.registerGrantType(
    'client_credentials',
    async (ctx) => {
      const { scope, resource } = ctx.oidc.params as { scope?: string; resource?: string };
      try {
        ctx.body = await asked().issue(scope, resource);
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        throw new errors.CustomOIDCProviderError(error.error, error.description);
      }
    },
    ['scope', 'resource'],
  );

  const handler = provider.callback();
  const origin = new URL(issuer);

  /**
   * Lets the provider answer. Resolves with its status and JSON text.
   * @throws whatever went wrong inside that is no fault of the caller's.
   */
  return async function ask(
    endpoint: Endpoint,
    form: Form,
    authorization: string | undefined,
    exchange: Asked,
  ) {
    const request = providerRequest(origin, { path: PATHS[endpoint], authorization, form });
    exchanges.set(request, exchange);
    const answer = await answerOf(handler, request);
    const failure = failures.get(request);
    if (failure !== undefined) throw failure;
    return answer;
  };
}

export type AskProvider = ReturnType<typeof createProvider>;

type NewClient = new (metadata: ClientMetadata) => Client;
type Client = InstanceType<Provider['Client']>;
type Replay = { unique: (clientId: string, jti: string, expiresAtS: number) => Promise<boolean> };

function metadataOf({ clientId, method, key }: Caller): ClientMetadata {
  const common = {
    client_id: clientId,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
  return method === 'client_secret_basic'
    ? { ...common, token_endpoint_auth_method: method, client_secret: 'kept elsewhere, as a hash' }
    : { ...common, token_endpoint_auth_method: method, jwks: { keys: [key!] } };
}

function tokens(store: Store, asked: () => Asked, resourceOf: (organisationId: string) => string) {
  return {
    ...nothingKept,
    find: async (token: string) => {
      const found = await store.findToken(tokenHash(token));
      return found && payloadOf(token, found, resourceOf);
    },
    destroy: async (token: string) => store.deleteToken(tokenHash(token), asked().caller.clientId),
  };
}

function payloadOf(
  token: string,
  { clientId, scopes, organisationId, iat, exp }: StoredToken,
  resourceOf: (id: string) => string,
) {
  return {
    kind: 'ClientCredentials',
    jti: token,
    clientId,
    scope: scopes.join(' '),
    iat,
    exp,
    ...(organisationId && { aud: resourceOf(organisationId) }),
  };
}
