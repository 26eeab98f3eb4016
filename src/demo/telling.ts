import { GIVE_UP_AFTER_SECONDS, RETRY_AFTER_SECONDS } from '../subscriptions/index.ts';

/** One notification, and what became of it. */
export type Told<Event> = {
  event: Event;
  /** In the order in which it was first sent. */
  number: number;
  attempts: Date[];
  deliveredAt: Date | null;
  givenUpAt: Date | null;
};

type Outage = { from: number; to: number; error: string };
type Waiting<Event> = { told: Told<Event>; next: number };

/** From when a thing happened until it is on its way; half of how often is looked. */
const DELAY_MS = 1000;

/**
 * What is told of events to a receiver that does not work for a while: as send-due.ts does it, with the same waiting, one
 * notification at a time after a failure, and the same age at which what waits is given up.
 */
export function tellOf<Event extends { at: Date }>(events: readonly Event[], outage: Outage) {
  const coming = events.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const waiting: Waiting<Event>[] = [];
  const told: Told<Event>[] = [];
  const failedAt: Date[] = [];
  let [failures, retryAt, number] = [0, 0, 0];
  while (coming.length > 0 || waiting.length > 0) {
    const due = Math.min(
      ...waiting.map(({ next }) => next),
      coming[0]?.at.getTime() ?? Number.POSITIVE_INFINITY,
    );
    const now = Math.max(due + DELAY_MS, retryAt);
    while (coming[0] && coming[0].at.getTime() <= now) {
      const event = coming.shift()!;
      waiting.push({
        told: { event, number: 0, attempts: [], deliveredAt: null, givenUpAt: null },
        next: event.at.getTime(),
      });
    }
    const one = waiting.toSorted((a, b) => a.next - b.next)[0]!;
    one.told.number ||= ++number;
    one.told.attempts.push(new Date(now));
    if (now < outage.from || now >= outage.to) {
      one.told.deliveredAt = new Date(now);
      [failures, retryAt] = [0, 0];
    } else {
      failedAt.push(new Date(now));
      retryAt = now + (RETRY_AFTER_SECONDS[failures] ?? RETRY_AFTER_SECONDS.at(-1)!) * 1000;
      one.next = retryAt;
      failures += 1;
      for (const { told: old } of waiting) {
        if (old.event.at.getTime() > now - GIVE_UP_AFTER_SECONDS * 1000) continue;
        old.givenUpAt = new Date(now);
        old.number ||= ++number;
      }
    }
    const done = waiting.filter(({ told: { deliveredAt, givenUpAt } }) => deliveredAt ?? givenUpAt);
    for (const { told: over } of done) told.push(over);
    waiting.splice(0, waiting.length, ...waiting.filter((still) => !done.includes(still)));
  }
  return { told: told.toSorted((a, b) => a.number - b.number), failedAt, error: outage.error };
}
