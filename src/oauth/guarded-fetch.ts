import { fetch } from 'undici';
import { checkedUrl } from './fetch-jwks.ts';
import { isPublicAddress } from './public-address.ts';
import { type Limits, publicAgent } from './public-agent.ts';

const BYTES_MAX = 256 * 1024;

type Options = {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
};

/**
 * `fetch` for addresses that others name, which an identity provider's description of itself does: https only, to public
 * addresses only, no redirects, 5 s, 256 KB. The answer has arrived whole before it is handed on.
 * @param limits for tests only; the defaults are right for the service.
 */
export function createGuardedFetch(limits: Limits = {}) {
  const { isAllowed = isPublicAddress, timeoutMs = 5000 } = limits;
  return async function guardedFetch(address: string, options: Options = {}): Promise<Response> {
    const url = checkedUrl(address, isAllowed);
    const agent = publicAgent(limits, BYTES_MAX);
    const { method, headers, signal } = options;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        dispatcher: agent,
        redirect: 'manual',
        method,
        headers,
        body: options.body === undefined || options.body === null ? undefined : String(options.body),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      const body = await response.arrayBuffer();
      const bodyless = body.byteLength === 0;
      const { status } = response;
      return new Response(bodyless ? null : body, { status, headers: [...response.headers] });
    } finally {
      await agent.destroy();
    }
  };
}
