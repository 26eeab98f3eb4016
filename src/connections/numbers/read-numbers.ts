import type { Context } from '../../context.ts';
import { type Acting, asStaff } from '../acting.ts';
import { dayInLondon } from '../grant-form.ts';
import { MEASURES, type Measure, refusedFor } from './measures.ts';
import { PERIODS, type Period, stepsOf } from './periods.ts';
import { countHappened, type Happened } from './store.ts';

export type Numbers = {
  /** The first days of the steps, oldest first. */
  steps: string[];
  /** By measure: one count a step, their sum, and the count of all time (null where only the period is counted). */
  counts: Record<Measure, { bySteps: number[]; inPeriod: number; inAll: number | null }>;
};

/** The numbers of one connection of the organisation; null when the person has no role there any more. */
export function createReadNumbers({ database, now }: Pick<Context, 'database' | 'now'>) {
  return async function readNumbers(
    acting: Pick<Acting, 'accountId' | 'organisationId'>,
    { connectionId, period, unreadDays }: { connectionId: string; period: Period; unreadDays: number },
  ): Promise<Numbers | null> {
    const steps = stepsOf(period, dayInLondon(now()));
    const happened = await asStaff(database.service, acting, (client) =>
      countHappened(client, connectionId, PERIODS[period].unit, steps[0]!, unreadDays),
    );
    return 'outcome' in happened ? null : arrange(steps, happened);
  };
}

function arrange(steps: string[], happened: readonly Happened[]): Numbers {
  const place = new Map(steps.map((step, n) => [step, n]));
  const counts = Object.fromEntries(
    MEASURES.map(({ key, group }) => [
      key,
      { bySteps: steps.map(() => 0), inPeriod: 0, inAll: PERIOD_ONLY.includes(group) ? null : 0 },
    ]),
  ) as Numbers['counts'];
  for (const { measure, step, count } of happened) {
    const to = counts[measureOf(measure)];
    if (to.inAll !== null) to.inAll += count;
    if (step === null) continue;
    to.inPeriod += count;
    const n = place.get(step);
    // What happens as the day turns may belong to a step that the page does not have yet.
    if (n !== undefined) to.bySteps[n]! += count;
  }
  return { steps, counts };
}

/** The audit log is long: no page counts all of it. */
const PERIOD_ONLY: readonly string[] = ['refused', 'calls'];

const measureOf = (name: string): Measure =>
  name.startsWith('refused-') ? refusedFor(name.slice('refused-'.length)) : (name as Measure);
