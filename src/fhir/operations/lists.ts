/** The entries of a list as PostgreSQL writes it, of what never needs quoting: numbers, ids, days, truths. */
export const entriesOf = (list: string | null): string[] => (list ? list.slice(1, -1).split(',') : []);

/** What stands in such a list for nothing. */
export const NULL = 'NULL';

const DAY_MS = 86_400_000;
const padded = (count: number, length: number) =>
  Array.from({ length: count }, (_, n) => String(n).padStart(length, '0'));
const TWO = padded(60, 2);
const THREE = padded(1000, 3);

/** Writes instants, given as milliseconds since 1970: as `toISOString` does, which takes several times as long. */
export function instantWriter(): (millis: string) => string {
  const dates = new Map<number, string>();
  return (text) => {
    const millis = Number(text);
    const day = Math.floor(millis / DAY_MS);
    let date = dates.get(day);
    if (date === undefined) {
      date = new Date(day * DAY_MS).toISOString().slice(0, 11);
      dates.set(day, date);
    }
    const ofDay = millis - day * DAY_MS;
    const second = Math.floor(ofDay / 1000);
    const minute = Math.floor(second / 60);
    return `${date}${TWO[Math.floor(minute / 60)]}:${TWO[minute % 60]}:${TWO[second % 60]}.${THREE[ofDay % 1000]}Z`;
  };
}

/** Where the first entry for each place is, by place; -1 for places without one. */
export function firstByPlace(places: readonly string[], size: number): Int32Array {
  const first = new Int32Array(size).fill(-1);
  for (let at = places.length - 1; at >= 0; at--) first[Number(places[at])] = at;
  return first;
}
