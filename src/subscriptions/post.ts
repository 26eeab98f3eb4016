import { request } from 'undici';
import { type Limits, publicAgent } from '../oauth/public-agent.ts';
import { checkedEndpoint } from './endpoint.ts';

/** Delivers a body; resolves when the receiver said that it has it, else rejects with a `code` for the vendor. */
export type Post = (url: string, headers: Record<string, string>, body: string) => Promise<void>;

const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * Posts to vendors' endpoints: https only, to public addresses only, no redirects, 10 s in all.
 * @param options.toLoopback for the demo: also to endpoints on this machine, by plain http
 * @param options.baseUrl the service's own address, which is no endpoint
 * @param options.limits for tests only; the defaults are right for the service.
 */
export function createPost({
  toLoopback = false,
  baseUrl,
  ...limits
}: Limits & { toLoopback?: boolean; baseUrl?: () => string } = {}): Post {
  const { isAllowed, timeoutMs = 10_000 } = limits;
  return async function post(text, headers, body) {
    const agent = publicAgent({ ...limits, timeoutMs }, ANSWER_BYTES_MAX);
    let statusCode: number;
    try {
      // Asked again at each sending: what was accepted once may have been changed in the database.
      const url = checkedEndpoint(text, { toLoopback, isAllowed, baseUrl: baseUrl?.() });
      const response = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: { ...headers, 'user-agent': 'connected-systems' },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      statusCode = response.statusCode;
    } catch (error) {
      throw coded(error);
    } finally {
      await agent.destroy();
    }
    if (statusCode < 200 || statusCode > 299) {
      throw Object.assign(new Error(`the answer was ${statusCode}`), { code: `HTTP ${statusCode}` });
    }
  };
}

/** Only what the vendor can do something about: no addresses of ours, no texts of the receiver's. */
function coded(error: unknown): Error {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  const said = /is not a public address|must be (https|without|443|another)/.test(message ?? '')
    ? 'endpoint-not-allowed'
    : name === 'TimeoutError'
      ? 'timeout'
      : /^[A-Z][A-Z0-9_]{1,60}$/.test(code ?? '')
        ? code
        : 'connection-failed';
  return Object.assign(new Error('the notification was not delivered'), { code: said });
}
