import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import type { Configuration } from 'oidc-provider';
import { CLOCK_SKEW_S } from './check-assertion.ts';
import { AUTH_METHODS, PATHS, SIGNING_ALGORITHMS } from './endpoints.ts';
import { TOKEN_SECONDS } from './issue-token.ts';

/**
 * Settings of `oidc-provider` with everything off but what systems use: no people, no redirects, no cookies.
 * The grant itself is registered beside them.
 */
export const providerSettings = (): Configuration => ({
  clientAuthMethods: [...AUTH_METHODS],
  enabledJWA: {
    clientAuthSigningAlgValues: [...SIGNING_ALGORITHMS],
    idTokenSigningAlgValues: ['ES256'],
  },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  clockTolerance: CLOCK_SKEW_S,
  scopes: [],
  claims: {},
  responseTypes: [],
  routes: { token: PATHS.token, introspection: PATHS.introspect, revocation: PATHS.revoke },
  ttl: { ClientCredentials: TOKEN_SECONDS },
  jwks: { keys: [unusedKey()] },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: { enabled: false }, // `issue` decides about `resource`
    userinfo: { enabled: false },
    clientCredentials: { enabled: false }, // ours stands in its place
    introspection: { enabled: true, allowedPolicy: ownOnly },
    revocation: { enabled: true, allowedPolicy: ownOnly },
  },
});

/** Nothing is ever signed here, but without a key of ours the provider takes a well-known one. */
function unusedKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JWK;
}

async function ownOnly(_ctx: unknown, client: { clientId: string }, token: { clientId?: string }) {
  return token.clientId === client.clientId;
}

/** An adapter for the kinds of things that there are none of. */
export const nothingKept = {
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  upsert: async () => {},
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
};
