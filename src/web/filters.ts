const LONDON = 'Europe/London';
const dayFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: LONDON,
});
const timeParts = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: LONDON } as const;
const timeFormat = new Intl.DateTimeFormat('en-GB', timeParts);
const exactTimeFormat = new Intl.DateTimeFormat('en-GB', {
  ...timeParts,
  second: '2-digit',
  fractionalSecondDigits: 3,
  timeZoneName: 'short',
});
const countFormat = new Intl.NumberFormat('en-GB');

type When = Date | string | number | null | undefined;

/** Text filters for pages: dates and times of Europe/London, counts, NHS numbers, query strings. */
export const filters = {
  /** 22 November 2026 */
  date: (when: When) => format(when, (at) => dayFormat.format(at)),

  /** 22 November 2026 at 09:47 */
  dateTime: (when: When) => format(when, (at) => `${dayFormat.format(at)} at ${timeFormat.format(at)}`),

  /** 22 November 2026 at 09:47:19.123 GMT: for confirmations and audit, where the order of events matters. */
  dateTimeMs: (when: When) =>
    format(when, (at) => `${dayFormat.format(at)} at ${exactTimeFormat.format(at)}`),

  /** The machine's form, for <time datetime>. */
  iso: (when: When) => format(when, (at) => at.toISOString()),

  /** 12,345 */
  count: (value: number | bigint | string) =>
    countFormat.format(typeof value === 'string' ? BigInt(value) : value),

  /** 1 patient, 2 patients, 0 patients: `{{ n | plural('patient') }}`. */
  plural: (value: number, one: string, many?: string) =>
    `${countFormat.format(value)} ${value === 1 ? one : (many ?? `${one}s`)}`,

  /** 999 123 4567, the form the NHS service manual asks for. */
  nhsNumber: (value: string) => String(value).replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3'),

  /** Groups a code that people copy by eye: 'ABCDEFGH' → 'ABCD EFGH'. */
  inFours: (value: string) =>
    String(value)
      .match(/.{1,4}/g)
      ?.join(' ') ?? '',

  /** The present query with some parameters changed; empty, null and undefined ones are left out. */
  withQuery(query: Record<string, unknown> | undefined, changes: Record<string, unknown> = {}): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...query, ...changes })) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== undefined && each !== null && each !== '') search.append(name, String(each));
      }
    }
    return search.size > 0 ? `?${search}` : '?';
  },

  /** `{ text }` for a field's error, false when there is none: the shape nhsuk-frontend's macros take. */
  errorFor(errors: { field: string; text: string }[] | undefined, field: string): { text: string } | false {
    const found = errors?.find((error) => error.field === field);
    return found ? { text: found.text } : false;
  },

  /** Page errors in the form of nhsuk-frontend's error summary: each links to its field. */
  asErrorLinks: (errors: { field: string; text: string }[]) =>
    errors.map((error) => ({ text: error.text, href: `#${error.field}` })),

  least: (values: number[]) => Math.min(...values),
};

function format(when: When, print: (at: Date) => string): string {
  if (when === null || when === undefined) return '';
  const at = when instanceof Date ? when : new Date(when);
  return Number.isNaN(at.getTime()) ? '' : print(at);
}
