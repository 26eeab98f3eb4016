import { setTimeout as sleep } from 'node:timers/promises';
import type { FhirClient } from '../shared/fhir-client.ts';
import { type Receipt, receiptsOf } from '../shared/operations.ts';
import { LETTER_IDS } from './letter-document.ts';
import type { Pause } from './push/wake.ts';

type Options = {
  /** Until when to ask again while letters are waited for. */
  until: Date;
  everyMs: number;
  signal: AbortSignal;
  now: () => Date;
  /** How to wait until the next time; with push, until something is told. */
  pause?: Pause;
  /** How many letters are still waited for, given these receipts. */
  stillWaiting: (receipts: ReadonlyMap<string, Receipt>) => number;
  onAsked: (waiting: number) => void;
};

/** Asks for receipts, and again from time to time, until none is waited for, the time is over, or someone says stop. */
export async function awaitReceipts(client: FhirClient, letterIds: readonly string[], options: Options) {
  const { until, everyMs, signal, now, pause = forMs, stillWaiting, onAsked } = options;
  for (;;) {
    const receipts = await receiptsOf(client, LETTER_IDS, letterIds);
    const waiting = stillWaiting(receipts);
    onAsked(waiting);
    const ms = Math.min(everyMs, until.getTime() - now().getTime());
    if (waiting === 0 || ms <= 0 || signal.aborted) return receipts;
    await pause(ms, signal);
  }
}

const forMs: Pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined);
