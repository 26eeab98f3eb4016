/** A half-open stretch of time as ISO instants with milliseconds: `from` is in it, `to` is not. They sort as text. */
export type Period = [from: string, to: string];

/** Stands for "no start" and "no end"; no value lies before or after. */
export const BEGINNING = '0001-01-01T00:00:00.000Z';
export const END = '9999-12-31T23:59:59.999Z';

/**
 * The stretch that a FHIR date, dateTime or instant covers by its precision: `2020-02` is all of February.
 * A date without a zone is taken as UTC, whatever the server's zone. Seconds may be left out, as they may in a
 * search (R4 section 3.1.1.4.7). Undefined for anything that is not a date.
 */
export function periodOf(text: string): Period | undefined {
  const parts = DATE.exec(text);
  if (!parts) return undefined;
  const [, year = '', month, day, hour, minute, second, fraction = '', zone] = parts;
  const [y, m, d] = [Number(year), Number(month ?? 1), Number(day ?? 1)];
  if (y === 0 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m)) return undefined;
  if (hour === undefined) {
    const next = day ? utc(y, m, d + 1) : month ? utc(y, m + 1, 1) : utc(y + 1, 1, 1);
    return [instant(utc(y, m, d)), instant(next)];
  }
  const offset = zoneOffset(zone);
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 60 || offset === undefined)
    return undefined;
  const milliseconds = Number((fraction + '000').slice(0, 3));
  const from =
    utc(y, m, d) + ((Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second ?? 0)) * 1000;
  const length = second === undefined ? 60_000 : fraction ? 10 ** (3 - Math.min(fraction.length, 3)) : 1000;
  return [instant(from + milliseconds), instant(from + milliseconds + length)];
}

/**
 * From the start of the first to the end of the second; a missing end is open.
 * Undefined when both are missing, or when the first begins when the second has ended.
 */
export function spanOf(start: unknown, end: unknown): Period | undefined {
  const first = typeof start === 'string' ? periodOf(start) : undefined;
  const last = typeof end === 'string' ? periodOf(end) : undefined;
  if (!first && !last) return undefined;
  const span: Period = [first?.[0] ?? BEGINNING, last?.[1] ?? END];
  return span[0] < span[1] ? span : undefined;
}

/** The shortest period that holds both. */
export const unite = (a: Period, b: Period): Period => [
  earlier(a[0], b[0]),
  earlier(a[1], b[1]) === a[1] ? b[1] : a[1],
];

const earlier = (a: string, b: string): string => [a, b].sort()[0]!;

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

const daysIn = (year: number, month: number): number =>
  month === 2 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : DAYS[month - 1]!;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The calendar repeats every 400 years; Date.UTC takes years below 100 for the twentieth century. */
const utc = (year: number, month: number, day: number): number =>
  Date.UTC(year + 400, month - 1, day) - 146_097 * 86_400_000;

function zoneOffset(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 14 || minutes > 59) return undefined;
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1);
}

const EARLIEST = Date.parse(BEGINNING);
const LATEST = Date.parse(END);

const instant = (time: number): string => new Date(Math.min(Math.max(time, EARLIEST), LATEST)).toISOString();
