import { connect } from 'node:net';

/** Looks at bytes before they are kept. Rejects when it cannot: what was not looked at is not let in. */
export type Scan = (bytes: Buffer) => Promise<{ clean: true } | { clean: false; found: string }>;

const TIMEOUT_MS = 20_000;
const CHUNK_BYTES = 64 * 1024;

/** Scans with a ClamAV daemon through its Unix socket: the command INSTREAM of clamd(8). */
export function createClamav(socketPath: string, timeoutMs = TIMEOUT_MS): Scan {
  return async function scan(bytes) {
    const answer = await ask(socketPath, bytes, timeoutMs);
    if (/^stream: OK$/.test(answer)) return { clean: true };
    const found = /^stream: (.*) FOUND$/.exec(answer)?.[1];
    if (found !== undefined) return { clean: false, found };
    throw new Error(`clamd answered ${JSON.stringify(answer.slice(0, 200))}`);
  };
}

function ask(socketPath: string, bytes: Buffer, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect(socketPath);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('clamd did not answer in time')));
  socket.on('error', reject);
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  // A `z` command's answer ends in NUL.
  socket.on('close', () => resolve(answer.replace(/\0[\s\S]*$/, '').trim()));
  socket.on('connect', () => {
    socket.write('zINSTREAM\0');
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(chunk.length);
      socket.write(length);
      socket.write(chunk);
    }
    socket.write(Buffer.alloc(4));
  });
  return promise;
}
