import { isIP } from 'node:net';
import { UsageError } from '../../shared/usage-error.ts';

/** Where the service posts, and where this program listens: behind a proxy that ends the TLS, these are two. */
export type PushAddress = { endpoint: string; host: string; port: number };

const PORT = 8090;

/** @throws {UsageError} for what is no address, and for one that would be plain http beyond this machine */
export function pushAddress(push: string, listen: string | undefined): PushAddress {
  const url = URL.parse(push);
  const own = url?.protocol === 'http:' && /^(127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (!url || !(url.protocol === 'https:' || own) || url.username || url.password || url.hash) {
    throw new UsageError(
      '--push is an https address, such as https://hooks.example.org/letters (or, with the demo, http://127.0.0.1:8090/letters).',
    );
  }
  const place = own && listen === undefined ? url.host : (listen ?? String(PORT));
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(place) ?? [];
  const bare = host.replace(/^\[|\]$/g, '');
  if (!port || !(Number(port) >= 1 && Number(port) <= 65_535) || !isIP(bare)) {
    throw new UsageError('--listen is a port, or an address and a port, such as 8090 or 0.0.0.0:8090.');
  }
  return { endpoint: url.href, host: bare, port: Number(port) };
}
