/** The entries of a list as PostgreSQL writes it, of what never needs quoting: numbers, ids, days, truths. */
export const entriesOf = (list: string | null): string[] => (list ? list.slice(1, -1).split(',') : []);

/** What stands in such a list for nothing. */
export const NULL = 'NULL';

const DAY_MS = 86_400_000;
const padded = (count: number, length: number) =>
  Array.from({ length: count }, (_, n) => String(n).padStart(length, '0'));
const MINUTES = padded(24, 2).flatMap((hour) => padded(60, 2).map((minute) => `${hour}:${minute}:`));
const SECONDS = padded(60, 2).map((second) => `${second}.`);
const MILLIS = padded(1000, 3).map((millis) => `${millis}Z`);

/** The days written of late, by their number; some decades of them. */
const dates = new Map<number, string>();
const DATES_MAX = 20_000;

/** An instant, given as milliseconds since 1970: as `toISOString` writes it, which takes several times as long. */
export function writeInstant(text: string): string {
  const millis = Number(text);
  const day = Math.floor(millis / DAY_MS);
  let date = dates.get(day);
  if (date === undefined) {
    if (dates.size === DATES_MAX) dates.clear();
    date = new Date(day * DAY_MS).toISOString().slice(0, 11);
    dates.set(day, date);
  }
  const ofDay = millis - day * DAY_MS;
  const second = Math.floor(ofDay / 1000);
  return date + MINUTES[Math.floor(second / 60)]! + SECONDS[second % 60]! + MILLIS[ofDay % 1000]!;
}

/** Where the first entry for each place is, by place; -1 for places without one. */
export function firstByPlace(places: readonly string[], size: number): Int32Array {
  const first = new Int32Array(size).fill(-1);
  for (let at = places.length - 1; at >= 0; at--) first[Number(places[at])] = at;
  return first;
}
