import { type Dispatcher, Pool } from 'undici';
import type { Request } from './paths.ts';

/** One turn: `clients` loops that each send a request drawn at random, wait for its answer, and send the next. */
export type Turn = { origin: string; requests: Request[]; status: number; clients: number; seconds: number };
export type TurnResult = { seconds: number; latenciesMs: Float64Array; wrong: number; example?: string };

// A process of its own, so that sending and timing take nothing from the server's thread.
process.on('message', async (turn: Turn) => process.send!(await run(turn)));
process.on('disconnect', () => process.exit());

async function run({ origin, requests, status, clients, seconds }: Turn): Promise<TurnResult> {
  const pool = new Pool(origin, { connections: clients, pipelining: 1 });
  const latencies: number[] = [];
  let wrong = 0;
  let example: string | undefined;
  // The connections and statements of the servers are made before time is taken.
  await Promise.all(Array.from({ length: clients }, () => send(pool, draw(requests))));
  const from = performance.now();
  const until = from + seconds * 1000;
  await Promise.all(Array.from({ length: clients }, loop));
  const took = (performance.now() - from) / 1000;
  await pool.close();
  return { seconds: took, latenciesMs: Float64Array.from(latencies), wrong, example };

  async function loop() {
    for (let sent = performance.now(); sent < until; ) {
      const answer = await send(pool, draw(requests));
      const now = performance.now();
      latencies.push(now - sent);
      sent = now;
      if (answer.status === status) continue;
      wrong += 1;
      example ??= `${answer.status} ${answer.text.slice(0, 300)}`;
    }
  }
}

const draw = (requests: Request[]) => requests[Math.floor(Math.random() * requests.length)]!;

function send(pool: Pool, { method, path, headers, body }: Request) {
  return new Promise<{ status: number; text: string }>((resolve) => {
    let status = 0;
    let text = '';
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, chunk) {
        if (status >= 300) text += chunk;
      },
      onResponseEnd: () => resolve({ status, text }),
      onResponseError: (_controller, error) => resolve({ status: 0, text: error.message }),
    };
    pool.dispatch({ method, path, headers, body: body ?? null }, handler);
  });
}
