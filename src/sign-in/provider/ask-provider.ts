import * as openid from 'openid-client';
import { unseal } from '../seal.ts';
import { type Provider, secretOfProvider } from './store.ts';

/** How the service reaches organisations' providers. */
export type ProviderAccess = {
  /** Given every address; guards the service's own network (`createGuardedFetch`). */
  fetch: openid.CustomFetch;
  /** Whether this issuer may be reached without TLS: the demo's own, in this process, and nobody else's. */
  isPlainHttp: (issuer: string) => boolean;
  /** The address people use, no trailing slash. */
  baseUrl: () => string;
};

/** What one way through a provider is held to; kept by the browser that began it, sealed. */
export type Flow = {
  providerId: string;
  state: string;
  nonce: string;
  verifier: string;
};

export type Vouched = { subject: string; label: string | null; claims: openid.IDToken };

const TIMEOUT_SECONDS = 8;
/** So long a provider's own description of itself counts; its keys are fetched as the library sees need. */
const FRESH_MS = 600_000;
/** For clocks that differ. */
const TOLERANCE_SECONDS = 30;

/**
 * Authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0 section 3.1, RFC 7636), and against mix-up
 * a redirect address for each organisation and the `iss` of RFC 9207 (RFC 9700 sections 2.1 and 4.4).
 */
export function createAskProvider(access: ProviderAccess, encryptionKey: Buffer, now: () => Date) {
  const known = new Map<string, { configuration: openid.Configuration; until: number }>();

  /** @throws when the provider cannot be reached or does not describe itself as it must. */
  async function configurationOf(provider: Provider): Promise<openid.Configuration> {
    const name = `${provider.id} ${provider.changedAt.getTime()}`;
    const kept = known.get(name);
    if (kept && kept.until > now().getTime()) return kept.configuration;
    const secret = unseal(encryptionKey, secretOfProvider(provider.id), provider.sealedSecret).toString();
    const configuration = await openid.discovery(
      new URL(provider.issuer),
      provider.clientId,
      { [openid.clockTolerance]: TOLERANCE_SECONDS },
      clientSecret(secret),
      {
        [openid.customFetch]: access.fetch,
        timeout: TIMEOUT_SECONDS,
        execute: [
          // Without it the token's signature would be taken on trust of TLS alone.
          openid.enableNonRepudiationChecks,
          ...(access.isPlainHttp(provider.issuer) ? [openid.allowInsecureRequests] : []),
        ],
      },
    );
    // Letter for letter: the library lets a well-known provider answer for all of its customers under one name.
    if (configuration.serverMetadata().issuer !== provider.issuer) throw new IssuerDiffers();
    if (known.size > 1000) known.clear();
    known.set(name, { configuration, until: now().getTime() + FRESH_MS });
    return configuration;
  }

  const redirectUri = ({ odsCode }: Provider) => access.baseUrl() + callbackPath(odsCode);

  return {
    /**
     * Where the person goes, and what their browser must bring back with the answer.
     * @param options.again asks anew whoever is signed in there.
     */
    async begin(provider: Provider, { again }: { again: boolean }): Promise<{ url: URL; flow: Flow }> {
      const configuration = await configurationOf(provider);
      const flow = {
        providerId: provider.id,
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        verifier: openid.randomPKCECodeVerifier(),
      };
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri(provider),
        scope: 'openid profile email',
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
        ...(provider.secondFactorClaim === 'acr' && { acr_values: provider.secondFactorValues.join(' ') }),
        ...(again && { prompt: 'login' }),
      });
      return { url, flow };
    },

    /**
     * Whom the provider vouches for. `search` is the query of the answer as it came.
     * @throws when it vouches for nobody, or not as it was asked (`problemOf`).
     */
    async finish(provider: Provider, flow: Flow, search: string): Promise<Vouched> {
      const tokens = await openid.authorizationCodeGrant(
        await configurationOf(provider),
        new URL(redirectUri(provider) + search),
        {
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          pkceCodeVerifier: flow.verifier,
          idTokenExpected: true,
        },
      );
      const claims = tokens.claims()!;
      return { subject: claims.sub, label: labelOf(claims), claims };
    },
  };
}

class IssuerDiffers extends Error {
  readonly code = 'OAUTH_ISSUER_DIFFERS';
}

export type AskProvider = ReturnType<typeof createAskProvider>;

export const startPath = (odsCode: string): string => `/sign-in/with/${odsCode}`;
export const callbackPath = (odsCode: string): string => `${startPath(odsCode)}/callback`;

/** By the method that every provider has, unless this one says that it has another (OpenID Connect Discovery 1.0). */
function clientSecret(secret: string): openid.ClientAuth {
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)];
  return (server, ...request) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...request);
  };
}

/** What a person knows themselves by there; shown to them, never used to find an account. */
function labelOf(claims: openid.IDToken): string | null {
  const said = [claims.preferred_username, claims.email, claims.name].find(
    (value) => typeof value === 'string' && /\S/.test(value),
  );
  return typeof said === 'string'
    ? said
        .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
        .trim()
        .slice(0, 200)
    : null;
}

/** Why there was no sign-in: by the person, the provider's word, its being away, or an answer that is not right. */
export type Problem = 'cancelled' | 'refused-there' | 'away' | 'not-right';

/** What went wrong, and a code for the audit that holds nothing of the answer's. */
export function problemOf(error: unknown): { problem: Problem; code: string } {
  const { code, error: said } = error as { code?: unknown; error?: unknown };
  if (error instanceof openid.AuthorizationResponseError) {
    const word = /^[a-z_]{1,40}$/.test(String(said)) ? String(said) : 'error';
    if (word === 'access_denied') return { problem: 'cancelled', code: word };
    return { problem: AWAY_THERE.has(word) ? 'away' : 'refused-there', code: word };
  }
  if (error instanceof openid.ResponseBodyError)
    return { problem: 'not-right', code: `token ${error.error}`.slice(0, 60) };
  const own = /^OAUTH_[A-Z_]{1,50}$/.test(String(code)) ? String(code) : null;
  if (own !== null && !AWAY.has(own)) return { problem: 'not-right', code: own };
  return { problem: 'away', code: own ?? 'unreachable' };
}

const AWAY_THERE = new Set(['server_error', 'temporarily_unavailable']);
const AWAY = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
]);
