import type { AuditValues } from './entry.ts';
import { AuditUnavailable } from './unavailable.ts';

/** A record on its way, and the caller who waits for it. Settling it twice is harmless: the first holds. */
export type Waiting = {
  values: AuditValues;
  since: number;
  resolve: () => void;
  reject: (error: Error) => void;
};

/** The records that no batch has taken yet, in the order they came. Times are of `performance.now()`. */
export function createQueue(batchMax: number) {
  let queue: Waiting[] = [];
  return {
    size: () => queue.length,

    add(values: AuditValues): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      queue.push({ values, since: performance.now(), resolve, reject });
      return promise;
    },

    /** The next batch: so many records, fewer when they name thousands of patients. */
    take(): Waiting[] {
      let length = 0;
      for (let patients = 0; length < Math.min(queue.length, batchMax) && patients < PATIENTS_MAX; length++) {
        patients += queue[length]!.values.patients?.length ?? 0;
      }
      return queue.splice(0, length);
    },

    putBack(waiting: Waiting[]) {
      queue = [...waiting, ...queue];
    },

    /** Turns away those who have waited since before `oldest`. */
    expire(oldest: number) {
      const first = queue.findIndex(({ since }) => since > oldest);
      turnAway(queue.splice(0, first === -1 ? queue.length : first), 'it took too long');
    },
  };
}

export function turnAway(waiting: Waiting[], why: string, cause?: unknown) {
  for (const { reject } of waiting) reject(new AuditUnavailable(why, cause ? { cause } : undefined));
}

const PATIENTS_MAX = 20_000;
