import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { type KeySet, readKeySet } from './key-set.ts';
import { isPublicAddress } from './public-address.ts';

export type FetchJwks = (url: string) => Promise<{ keySet: KeySet; freshS: number }>;

type Limits = {
  resolve?: (host: string) => Promise<{ address: string; family: number }[]>;
  isAllowed?: (address: string) => boolean;
  timeoutMs?: number;
  /** Certificates to trust instead of the public ones. */
  ca?: string;
};

const BYTES_MAX = 64 * 1024;
const FRESH_S = { min: 60, unsaid: 600, max: 24 * 60 * 60 };

/**
 * Fetches vendors' key sets: https only, to public addresses only, no redirects, 5 s, 64 KB. The connection is made to
 * the very addresses that were checked, so a name that resolves differently the second time gains nothing.
 * @param limits for tests only; the defaults are right for the service.
 */
export function createFetchJwks(limits: Limits = {}): FetchJwks {
  const { resolve = resolveAll, isAllowed = isPublicAddress, timeoutMs = 5000, ca } = limits;

  const lookup: LookupFunction = (host, { all }, done) => {
    resolve(host).then(
      (addresses) => {
        const refused = addresses.length === 0 || !addresses.every(({ address }) => isAllowed(address));
        if (refused) done(new Error(`${host} is not a public address`), '', 0);
        else if (all) (done as unknown as (error: null, addresses: unknown) => void)(null, addresses);
        else done(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error) => done(error, '', 0),
    );
  };

  return async function fetchJwks(text) {
    const url = checkedUrl(text, isAllowed);
    const agent = new Agent({
      connect: { lookup, timeout: timeoutMs, ...(ca !== undefined && { ca }) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: BYTES_MAX,
      allowH2: false,
    });
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

const resolveAll = (host: string) => systemLookup(host, { all: true, verbatim: true });

/** What the vendor's server says (RFC 9111), between a minute and a day. */
function freshSeconds(header: string | string[] | undefined): number {
  const text = String(header ?? '');
  if (/\bno-(store|cache)\b/i.test(text)) return FRESH_S.min;
  const said = /\bmax-age=(\d{1,9})\b/i.exec(text)?.[1];
  return said === undefined ? FRESH_S.unsaid : Math.min(Math.max(Number(said), FRESH_S.min), FRESH_S.max);
}
