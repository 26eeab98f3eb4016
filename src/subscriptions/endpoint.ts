import { checkedUrl } from '../oauth/fetch-jwks.ts';
import { isLoopbackAddress } from '../oauth/public-address.ts';

type Allowed = {
  /** Also plain http to an address of this machine, written as a number: a name could come to mean another. */
  toLoopback?: boolean;
  isAllowed?: (address: string) => boolean;
  /** The service's own address: its notifications are for others, and nobody is to have it speak to itself. */
  baseUrl?: string;
};

/** @throws when `text` is no address that notifications may be posted to; also for the form in which vendors send it. */
export function checkedEndpoint(text: string, { toLoopback = false, isAllowed, baseUrl }: Allowed = {}): URL {
  const url = URL.parse(text);
  const isHere = toLoopback && url?.protocol === 'http:' && isLoopbackAddress(hostOf(url));
  if (url && baseUrl !== undefined) refuseItself(url, new URL(baseUrl), isHere);
  if (!isHere) return withUsualPort(checkedUrl(text, isAllowed));
  if (url.username || url.password || url.hash || text.length > 2000) {
    throw new Error('the address must be without user, password or fragment');
  }
  return url;
}

/** Whatever else the host of the service answers to, at any port, is behind the same proxy. On this machine, its port is. */
function refuseItself(url: URL, own: URL, isHere: boolean): void {
  if (isHere ? url.port === own.port : hostOf(url) === hostOf(own)) {
    throw new Error('the address must be another than that of this service');
  }
}

/** A dot at its end does not make it another. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$|\.+$/g, '');

/** What listens below 1024 beside https is mail, shells and the like: not to be spoken to for others. */
function withUsualPort(url: URL): URL {
  if (url.port !== '' && Number(url.port) < 1024) throw new Error('the port must be 443, or 1024 and above');
  return url;
}
