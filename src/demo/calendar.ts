const DAY_MS = 86_400_000;

export type Calendar = ReturnType<typeof createCalendar>;

/**
 * The demo world is told in days before today (0 is today, -1 yesterday), so that it always looks recent and
 * two worlds of one seed differ only by the days between them.
 * @param today as YYYY-MM-DD
 */
export function createCalendar(today: string) {
  const origin = Date.parse(`${today}T00:00:00Z`);
  if (Number.isNaN(origin)) throw new Error(`not a date: ${today}`);
  const at = (day: number) => new Date(origin + day * DAY_MS);

  const instant = (day: number, minute: number) =>
    new Date(origin + day * DAY_MS + minute * 60_000).toISOString();

  return {
    today,
    date: (day: number) => at(day).toISOString().slice(0, 10),
    /** FHIR instant; `minute` counts from midnight. */
    instant,
    /** The same day, or the Friday before it or Monday after it when it is a weekend. */
    workday: (day: number) => {
      const weekday = at(day).getUTCDay();
      if (weekday === 6) return day - 1;
      // Never into the future: what has happened stays in the past.
      return weekday === 0 ? (day === 0 ? -2 : day + 1) : day;
    },
    /** Days from today to the first of a month (1 to 12) that lies `years` calendar years from this one. */
    firstOf: (month: number, years: number) =>
      Math.round((Date.UTC(at(0).getUTCFullYear() + years, month - 1, 1) - origin) / DAY_MS),
    year: (day: number) => at(day).getUTCFullYear(),
  };
}
