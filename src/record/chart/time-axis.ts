export type TimeTick = { time: number; text: string };

const DAY = 86_400_000;
const YEARS = [1, 2, 5, 10, 20, 50];
const MONTHS = [1, 3, 6];
const DAYS = [1, 2, 7, 14];
const TICKS_MAX = 5;
const monthYear = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Where years, months or days begin between two moments, five at most: whichever say the most. */
export function timeTicks(from: number, to: number): TimeTick[] {
  const tries = [
    ...DAYS.map((step) => () => dayTicks(from, to, step)),
    ...MONTHS.map((step) => () => monthTicks(from, to, step)),
    ...YEARS.map((step) => () => monthTicks(from, to, step * 12)),
  ];
  // The finest that fits, without trying to list the days of a century.
  const span = (to - from) / DAY;
  const steps = [...DAYS, ...MONTHS.map((step) => step * 28), ...YEARS.map((step) => step * 365)];
  for (const [n, listed] of tries.entries()) {
    if (span / steps[n]! > TICKS_MAX * 2) continue;
    const ticks = listed();
    if (ticks.length <= TICKS_MAX)
      return ticks.length > 0 ? ticks : [{ time: from, text: dayMonth.format(from) }];
  }
  return [{ time: from, text: String(new Date(from).getUTCFullYear()) }];
}

function dayTicks(from: number, to: number, step: number): TimeTick[] {
  const ticks: TimeTick[] = [];
  for (let time = Math.ceil(from / DAY) * DAY; time <= to; time += step * DAY) {
    ticks.push({ time, text: dayMonth.format(time) });
  }
  return ticks;
}

function monthTicks(from: number, to: number, step: number): TimeTick[] {
  const start = new Date(from);
  const first = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / step) * step;
  const ticks: TimeTick[] = [];
  for (let month = first; ; month += step) {
    const time = Date.UTC(0, month) + yearShift(month);
    if (time > to) return ticks;
    if (time >= from)
      ticks.push({ time, text: step < 12 ? monthYear.format(time) : String(Math.floor(month / 12)) });
  }
}

/** Date.UTC takes the years 0 to 99 for those of the 20th century. */
function yearShift(month: number): number {
  const year = Math.floor(month / 12);
  return Date.UTC(year < 100 ? year + 1900 : year, month % 12) - Date.UTC(0, month);
}
