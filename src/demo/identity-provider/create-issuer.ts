import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { type ClientMetadata, type Configuration, interactionPolicy, Provider } from 'oidc-provider';
import { memoryAdapter } from './memory-adapter.ts';

export type Person = { subject: string; name: string; login: string };

type Needs = {
  issuer: string;
  client: { id: string; secret: string; redirectUri: string };
  personOf: (subject: string) => Person | undefined;
  /** The page on which somebody says who they are. */
  pagePath: (uid: string) => string;
  /** For tests. */
  overrides?: Configuration;
  clientOverrides?: Partial<ClientMetadata>;
};

/** An organisation's OpenID Connect provider as the demo and tests need one: a real one, that takes anybody's word. */
export function createIssuer(needs: Needs): Provider {
  const { issuer, client, personOf, pagePath, overrides, clientOverrides } = needs;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        id_token_signed_response_alg: 'ES256',
        ...clientOverrides,
      },
    ],
    jwks: {
      keys: [{ ...(privateKey.export({ format: 'jwk' }) as JWK), kid: 'demo', alg: 'ES256', use: 'sig' }],
    },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub', 'amr', 'acr'], auth_time: null, profile: ['name', 'preferred_username'] },
    responseTypes: ['code'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: { Interaction: 900, Session: 900, Grant: 900, AuthorizationCode: 60, AccessToken: 60, IdToken: 300 },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => pagePath(uid), policy: askingEachTime() },
    findAccount: (_ctx, subject) => {
      const person = personOf(subject);
      return (
        person && {
          accountId: subject,
          claims: async () => ({ sub: subject, name: person.name, preferred_username: person.login }),
        }
      );
    },
    // The organisation asked for this service itself: nobody is asked whether it may know who they are.
    async loadExistingGrant(ctx) {
      const { provider: own, session, client: asking, params } = ctx.oidc;
      const accountId = session?.accountId;
      if (!accountId || !asking) return undefined;
      const grant = new own.Grant({ accountId, clientId: asking.clientId });
      grant.addOIDCScope(String(params?.scope ?? 'openid'));
      await grant.save();
      return grant;
    },
    ...overrides,
  });
  provider.proxy = true;
  provider.silent = true;
  return provider;
}

/** So that each sign-in can be as another person: nobody stays signed in there. */
function askingEachTime() {
  const policy = interactionPolicy.base();
  const { NO_NEED_TO_PROMPT, REQUEST_PROMPT } = interactionPolicy.Check;
  policy
    .get('login')!
    .checks.add(
      new interactionPolicy.Check('asked_each_time', 'say who you are', 'login_required', (ctx) =>
        ctx.oidc.result?.login ? NO_NEED_TO_PROMPT : REQUEST_PROMPT,
      ),
    );
  return policy;
}
