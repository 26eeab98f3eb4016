import type { Period, Timing } from '@medplum/fhirtypes';

const LONDON = { timeZone: 'Europe/London' } as const;
const UTC = { timeZone: 'UTC' } as const;
const day = { day: 'numeric', month: 'long', year: 'numeric' } as const;
const formats = {
  year: new Intl.DateTimeFormat('en-GB', { year: 'numeric', ...UTC }),
  month: new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', ...UTC }),
  day: new Intl.DateTimeFormat('en-GB', { ...day, ...UTC }),
  instantDay: new Intl.DateTimeFormat('en-GB', { ...day, ...LONDON }),
  instantTime: new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...LONDON,
  }),
};

/**
 * A FHIR date, dateTime or instant, no more precise than it was given: '2019', 'May 2019', '3 May 2019',
 * '3 May 2019 at 09:47' (Europe/London). What is no date is printed as it stands.
 */
export function dateText(text: string | undefined): string {
  if (!text) return '';
  if (/^\d{4}$/.test(text)) return format('year', `${text}-01-01`, text);
  if (/^\d{4}-\d\d$/.test(text)) return format('month', `${text}-01`, text);
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return format('day', text, text);
  const instantDay = format('instantDay', text, text);
  return instantDay === text ? text : `${instantDay} at ${format('instantTime', text, '')}`;
}

/** The same without the time of day, for where days are enough. */
export const dayText = (text: string | undefined): string => dateText(text).replace(/ at \d\d:\d\d$/, '');

export function periodText(period: Period | undefined): string {
  const [start, end] = [dateText(period?.start), dateText(period?.end)];
  if (!start || !end) return start ? `since ${start}` : end && `until ${end}`;
  if (start === end) return start;
  const sameDay = dayText(period!.start) === dayText(period!.end);
  return sameDay ? `${start} to ${end.replace(/^.* at /, '')}` : `${start} to ${end}`;
}

/** The dates of a timing, else what it is called. */
export function timingText(timing: Timing | undefined): string {
  const dates = (timing?.event ?? []).map(dateText).join(', ');
  return dates || timing?.code?.text || periodText(timing?.repeat?.boundsPeriod);
}

/** The moment in time that a date of whatever precision begins, in milliseconds; null for what is no date. */
export function timeOf(text: string | undefined): number | null {
  if (!text || !/^\d{4}/.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

function format(name: keyof typeof formats, text: string, otherwise: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? otherwise : formats[name].format(at);
}
