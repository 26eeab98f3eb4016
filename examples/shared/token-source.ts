import type { Ask } from './ask.ts';
import { type Proof, prove } from './proof.ts';
import { refusalIn } from './refused.ts';

const RENEW_BEFORE_END_MS = 30_000;

type Options = {
  ask: Ask;
  now: () => number;
  fhirBase: string;
  clientId: string;
  proof: Proof;
  /** Exactly what this program needs: less asked is less that a stolen token could do. */
  scopes: readonly string[];
};

/** Access tokens: one at a time, used until shortly before its end, bound to the one organisation (RFC 8707). */
export function createTokenSource(options: Options) {
  const { ask, now, fhirBase, clientId, proof } = options;
  let tokenEndpoint: string | undefined;
  let current: { token: string; until: number } | undefined;
  let asking: Promise<string> | undefined;

  async function discover(): Promise<string> {
    const response = await ask(`${fhirBase}/.well-known/smart-configuration`);
    if (!response.ok) throw await refusalIn(response);
    const { token_endpoint: endpoint } = (await response.json()) as { token_endpoint?: string };
    if (!endpoint) throw new Error(`${fhirBase} does not say where to get a token. Is it a FHIR base?`);
    return endpoint;
  }

  async function fetchToken(): Promise<string> {
    tokenEndpoint ??= await discover();
    const response = await ask(tokenEndpoint, async () => {
      const { headers, fields } = await prove(clientId, proof, tokenEndpoint!);
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        scope: options.scopes.join(' '),
        resource: fhirBase,
        ...fields,
      });
      return { method: 'POST', headers, body };
    });
    if (!response.ok) throw await refusalIn(response);
    const answer = (await response.json()) as { access_token: string; expires_in: number };
    current = {
      token: answer.access_token,
      until: now() + answer.expires_in * 1000 - RENEW_BEFORE_END_MS,
    };
    return current.token;
  }

  return {
    /** A token that lives; callers at the same moment share one request for it. */
    async token(): Promise<string> {
      if (current && current.until > now()) return current.token;
      asking ??= fetchToken().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    /** Forgets this token, because the service no longer takes it. */
    drop(token: string): void {
      if (current?.token === token) current = undefined;
    },
  };
}
