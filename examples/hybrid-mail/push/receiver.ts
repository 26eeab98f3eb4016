import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { UsageError } from '../../shared/usage-error.ts';
import { NotTaken } from './check-notification.ts';

/** Notifications hold ids alone. */
const BODY_BYTES_MAX = 64 * 1024;
/** The service waits no longer for an answer. */
const REQUEST_MS_MAX = 10_000;

type Options = {
  host: string;
  port: number;
  /** Takes a notification, for good; rejects with `NotTaken` for what is none. */
  take: (signature: string | undefined, body: Buffer) => Promise<void>;
  onRefused: (why: string) => void;
};

/**
 * Listens for notifications. 204 says that one is kept; after anything else the service sends it again, later.
 * @throws {UsageError} when it cannot listen there
 */
export async function startReceiver({ host, port, take, onRefused }: Options) {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX }, async (request, response) => {
    const status = await statusFor(request).catch((error: unknown) => {
      onRefused((error as Error).message);
      return error instanceof NotTaken ? error.status : 500;
    });
    // What was not read to its end must not be taken for the next request.
    response.writeHead(status, status === 204 ? {} : { connection: 'close' }).end();
  });

  async function statusFor(request: IncomingMessage): Promise<number> {
    if (request.method !== 'POST') return 405;
    const body = await bodyOf(request);
    const signature = request.headers['x-jws-signature'];
    await take(Array.isArray(signature) ? undefined : signature, body);
    return 204;
  }

  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot listen at ${host} port ${port} (${error.code}): set another --listen.`);
  });
  return {
    async stop(): Promise<void> {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) throw new NotTaken(413, 'it is larger than any notification');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
