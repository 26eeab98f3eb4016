import { type Parsed, parsed, parseEach, refused } from './parsed.ts';
import { BEGINNING, END, type Period, periodOf } from './period.ts';
import { splitValue } from './split-value.ts';

export const DATE_PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;

/** One alternative of a date search: how the periods of a resource must lie to the half-open period from…to. */
export interface DateCondition {
  prefix: (typeof DATE_PREFIXES)[number];
  from: string;
  to: string;
}

/**
 * Reads `[prefix]date[,…]`. For `ap` the period is already widened by a tenth of its distance from `now`
 * (R4 section 3.1.1.4.6), so that it is an overlap and nothing more.
 */
export function dateQuery(raw: string, now: Date): Parsed<DateCondition[]> {
  return parseEach(splitValue(raw, ','), (part) => {
    const [, prefix = 'eq', date = ''] = /^([a-z]{2})?(.*)$/s.exec(part) ?? [];
    if (!isPrefix(prefix)) return refused('A date takes one of the prefixes ' + DATE_PREFIXES.join(', '));
    // A plus sign that was not percent-encoded arrives as a space.
    const period = periodOf(date.replace(/ (?=\d\d:\d\d$)/, '+'));
    if (!period) return refused('A date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone');
    const [from, to] = prefix === 'ap' ? widened(period, now) : period;
    return parsed([{ prefix, from, to }]);
  });
}

/**
 * Whether a period of a resource satisfies a condition: the meaning of the prefixes (R4 section 3.1.1.4.6, 3.1.1.4.7)
 * in one place, for SQL to be tested against. A resource matches if any of its periods does, except for `ne`,
 * which is that none is equal.
 */
export function periodMatches([from, to]: Period, sought: DateCondition): boolean {
  const within = from >= sought.from && to <= sought.to;
  switch (sought.prefix) {
    case 'eq':
      return within;
    case 'ne':
      return !within;
    case 'gt':
      return to > sought.to;
    case 'lt':
      return from < sought.from;
    case 'ge':
      return to > sought.to || within;
    case 'le':
      return from < sought.from || within;
    case 'sa':
      return from >= sought.to;
    case 'eb':
      return to <= sought.from;
    case 'ap':
      return from < sought.to && to > sought.from;
  }
}

const isPrefix = (text: string): text is DateCondition['prefix'] =>
  (DATE_PREFIXES as readonly string[]).includes(text);

function widened([from, to]: Period, now: Date): Period {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const distance = Math.max(start - now.getTime(), now.getTime() - end, 0);
  const margin = Math.round(distance / 10);
  return [clip(start - margin), clip(end + margin)];
}

const clip = (time: number): string =>
  new Date(Math.min(Math.max(time, Date.parse(BEGINNING)), Date.parse(END))).toISOString();
