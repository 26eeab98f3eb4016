import { csvLine } from '../../web/index.ts';
import { MEASURES } from './measures.ts';
import type { Numbers } from './read-numbers.ts';

/** A row for each step, then what came before in one (empty where only the period is counted). */
export function numbersCsv({ steps, counts }: Numbers, unreadDays: number): string {
  const header = csvLine([
    'From',
    ...MEASURES.map(({ key, text }) => (key === 'letters-unread' ? unreadInWords(unreadDays) : text)),
  ]);
  const rows = steps.map((step, n) =>
    csvLine([step, ...MEASURES.map(({ key }) => String(counts[key].bySteps[n]))]),
  );
  const earlier = csvLine([
    `Before ${steps[0]}`,
    ...MEASURES.map(({ key }) => {
      const { inAll, inPeriod } = counts[key];
      return inAll === null ? null : String(inAll - inPeriod);
    }),
  ]);
  return [header, ...rows, earlier].join('');
}

/** By the day on which they could first be read. */
export const unreadInWords = (days: number): string =>
  `Letters unread after ${days} ${days === 1 ? 'day' : 'days'}, by the day they could first be read`;
