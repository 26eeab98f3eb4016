import { isIP } from 'node:net';
import { request } from 'undici';
import { type KeySet, readKeySet } from './key-set.ts';
import { isPublicAddress } from './public-address.ts';
import { type Limits, publicAgent } from './public-agent.ts';

export type FetchJwks = (url: string) => Promise<{ keySet: KeySet; freshS: number }>;

const BYTES_MAX = 64 * 1024;
const FRESH_S = { min: 60, unsaid: 600, max: 24 * 60 * 60 };

/**
 * Fetches vendors' key sets: https only, to public addresses only, no redirects, 5 s, 64 KB.
 * @param limits for tests only; the defaults are right for the service.
 */
export function createFetchJwks(limits: Limits = {}): FetchJwks {
  const { isAllowed = isPublicAddress, timeoutMs = 5000 } = limits;

  return async function fetchJwks(text) {
    const url = checkedUrl(text, isAllowed);
    const agent = publicAgent(limits, BYTES_MAX);
    try {
      const headers = {
        accept: 'application/jwk-set+json, application/json',
        'user-agent': 'connected-systems',
      };
      // `request` follows no redirects.
      const response = await request(url, {
        dispatcher: agent,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.statusCode !== 200) throw new Error(`the answer was ${response.statusCode}, not 200`);
      const keySet = readKeySet(JSON.parse(await response.body.text()));
      return { keySet, freshS: freshSeconds(response.headers['cache-control']) };
    } finally {
      await agent.destroy();
    }
  };
}

/** @throws when `text` is no URL from which keys may be fetched; also for the form in which vendors enter it. */
export function checkedUrl(text: string, isAllowed: (address: string) => boolean = isPublicAddress): URL {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || url.username || url.password || url.hash || text.length > 2000) {
    throw new Error('the address must be https, without user, password or fragment');
  }
  // A literal address is connected to without any look-up.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !isAllowed(host)) throw new Error(`${host} is not a public address`);
  return url;
}

/** What the vendor's server says (RFC 9111), between a minute and a day. */
function freshSeconds(header: string | string[] | undefined): number {
  const text = String(header ?? '');
  if (/\bno-(store|cache)\b/i.test(text)) return FRESH_S.min;
  const said = /\bmax-age=(\d{1,9})\b/i.exec(text)?.[1];
  return said === undefined ? FRESH_S.unsaid : Math.min(Math.max(Number(said), FRESH_S.min), FRESH_S.max);
}
