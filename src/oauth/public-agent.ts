import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { isPublicAddress } from './public-address.ts';

export type Limits = {
  resolve?: (host: string) => Promise<{ address: string; family: number }[]>;
  isAllowed?: (address: string) => boolean;
  timeoutMs?: number;
  /** Certificates to trust instead of the public ones. */
  ca?: string;
};

/**
 * A dispatcher for requests to addresses that vendors name: public ones only. The connection is made to the very
 * addresses that were checked, so a name that resolves differently the second time gains nothing.
 * @param limits for tests only; the defaults are right for the service.
 */
export function publicAgent(limits: Limits, bytesMax: number): Agent {
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
  return new Agent({
    connect: { lookup, timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: bytesMax,
    allowH2: false,
  });
}

const resolveAll = (host: string) => systemLookup(host, { all: true, verbatim: true });
