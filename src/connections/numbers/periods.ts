/** The stretches of time that can be looked at, each cut into steps that begin at midnight in London. */
export const PERIODS = {
  days: { unit: 'day', steps: 30, text: 'Last 30 days, by day' },
  weeks: { unit: 'week', steps: 12, text: 'Last 12 weeks, by week' },
  months: { unit: 'month', steps: 12, text: 'Last 12 months, by month' },
} as const;

export type Period = keyof typeof PERIODS;

export const isPeriod = (text: string): text is Period => Object.hasOwn(PERIODS, text);

/**
 * The first days of a period's steps, oldest first, as `2026-11-22`. The last step is the one that `today` is in, so
 * it is not over yet. Weeks begin on Mondays.
 */
export function stepsOf(period: Period, today: string): string[] {
  const { unit, steps } = PERIODS[period];
  const [year, month, day] = today.split('-').map(Number) as [number, number, number];
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return Array.from({ length: steps }, (_, n) => {
    const ago = steps - 1 - n;
    const first =
      unit === 'month'
        ? Date.UTC(year, month - 1 - ago, 1)
        : Date.UTC(year, month - 1, unit === 'week' ? day - weekday - 7 * ago : day - ago);
    return new Date(first).toISOString().slice(0, 10);
  });
}
