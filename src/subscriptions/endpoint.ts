import { checkedUrl } from '../oauth/fetch-jwks.ts';
import { isLoopbackAddress } from '../oauth/public-address.ts';

type Allowed = {
  /** Also plain http to an address of this machine, written as a number: a name could come to mean another. */
  toLoopback?: boolean;
  isAllowed?: (address: string) => boolean;
};

/** @throws when `text` is no address that notifications may be posted to; also for the form in which vendors send it. */
export function checkedEndpoint(text: string, { toLoopback = false, isAllowed }: Allowed = {}): URL {
  const url = URL.parse(text);
  const own = toLoopback && url?.protocol === 'http:' && isLoopbackAddress(hostOf(url));
  if (!own) return withUsualPort(checkedUrl(text, isAllowed));
  if (url.username || url.password || url.hash || text.length > 2000) {
    throw new Error('the address must be without user, password or fragment');
  }
  return url;
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** What listens below 1024 beside https is mail, shells and the like: not to be spoken to for others. */
function withUsualPort(url: URL): URL {
  if (url.port !== '' && Number(url.port) < 1024) throw new Error('the port must be 443, or 1024 and above');
  return url;
}
