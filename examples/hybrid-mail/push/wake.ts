import { setTimeout as sleep } from 'node:timers/promises';

/** Letters are often read several at a time: what comes so close together is asked about together. */
const GATHER_MS = 300;

export type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

/** A pause that ends early when something has happened, also before it began. */
export function createWake(): { wake: () => void; pause: Pause } {
  let woken = new AbortController();
  return {
    wake: () => woken.abort(),
    async pause(ms, signal) {
      const rest = { signal: AbortSignal.any([signal, woken.signal]) };
      await sleep(ms, undefined, rest).catch(() => undefined);
      if (!woken.signal.aborted) return;
      await sleep(Math.min(ms, GATHER_MS), undefined, { signal }).catch(() => undefined);
      woken = new AbortController();
    },
  };
}
