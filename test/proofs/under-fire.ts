import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const CLIENTS = 32;

/** One request of a client's, and what came of it. */
export type Shot = (client: number, round: number) => Promise<{ status: number; code: string | undefined }>;

/**
 * Lets 32 clients ask without pause while access is taken away and given back `times` over. What is held:
 *
 * - no request that began after taking away was confirmed, and was answered before giving back was asked for, got data;
 * - while access stood, the clients did get data, so that the first is worth something.
 *
 * Before access is given back, what was begun without it is waited for: then every request of that time counts.
 */
export async function underFire(options: {
  shot: Shot;
  times: number;
  give: (n: number) => Promise<void>;
  take: (n: number) => Promise<void>;
  /** The refusal that is expected while access is away. */
  code: string;
}) {
  const fire = { access: 'changing' as 'given' | 'changing' | 'taken', round: 0, stopped: false };
  const seen = { given: 0, taken: 0, changing: 0 };
  const wrong: string[] = [];
  const inFlightWithout = new Set<object>();
  /** Clients wait here while access is given back: there is nothing to be hit meanwhile. */
  let gate = Promise.withResolvers<void>();

  async function client(number: number) {
    for (let round = 0; !fire.stopped; round++) {
      await gate.promise;
      const { access: begun, round: begunRound } = fire;
      const mark = {};
      if (begun === 'taken') inFlightWithout.add(mark);
      const { status, code } = await options.shot(number, round);
      inFlightWithout.delete(mark);
      if (begun === 'taken' && (status === 200 || code !== options.code))
        wrong.push(`${status} ${code} while taken`);
      if (![200, 401, 403].includes(status)) wrong.push(`${status} ${code} while ${begun}`);
      // What began and ended while access stood must have been answered.
      const stood = begun === 'given' && fire.access === 'given' && fire.round === begunRound;
      if (stood && status !== 200) wrong.push(`${status} ${code} while given`);
      seen[begun] += 1;
    }
  }

  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
  try {
    for (let n = 0; n < options.times; n++) {
      await options.give(n);
      fire.round = n;
      fire.access = 'given';
      gate.resolve();
      await until(() => seen.given >= (n + 1) * CLIENTS);
      fire.access = 'changing';
      await options.take(n);
      fire.access = 'taken';
      await until(() => seen.taken >= (n + 1) * CLIENTS);
      gate = Promise.withResolvers<void>();
      await until(() => inFlightWithout.size === 0);
      fire.access = 'changing';
    }
  } finally {
    fire.stopped = true;
    gate.resolve();
    await Promise.allSettled(clients);
  }
  assert.deepEqual(wrong, []);
  return seen;
}

async function until(condition: () => boolean) {
  for (const end = Date.now() + 60_000; !condition(); await sleep(1)) {
    assert.ok(Date.now() < end, `not so within 60 s: ${condition}`);
  }
}
