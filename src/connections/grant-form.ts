import { type Static, Type } from 'typebox';
import { isUuid } from '../ids.ts';
import { labelBits } from './privacy-labels.ts';

const Field = (maxLength: number) => Type.String({ default: '', maxLength });
const Several = Type.Array(Type.String({ maxLength: 200 }), { default: [], maxItems: 500 });

/** What the review page's form sends. */
export const GrantForm = Type.Object({
  reviewed: Field(100),
  scopes: Several,
  labels: Several,
  teams: Several,
  day: Field(100),
  month: Field(100),
  year: Field(100),
  reason: Field(10_000),
});

export type FieldError = { field: string; text: string };
export type ParsedGrant = {
  scopes: string[];
  labels: number;
  teams: string[] | null;
  lastDay: string | null;
  reason: string | null;
};

const REASON_LENGTH_MAX = 500;
const YEARS_MAX = 10;

/** Reads the form, or says for each field what is wrong with it. `today` is YYYY-MM-DD. */
export function parseGrantForm(
  form: Static<typeof GrantForm>,
  today: string,
): { grant: ParsedGrant; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const labels = labelBits(form.labels);
  if (form.scopes.length === 0) errors.push({ field: 'scopes', text: 'Choose at least one permission' });
  if (labels === 0) errors.push({ field: 'labels', text: 'Choose at least one kind of information' });
  // An id that is none names no team, and a grant for it alone must not become one for all.
  const teams = form.teams.length > 0 ? form.teams.filter(isUuid) : null;
  const lastDay = parseDay(form);
  const problem =
    lastDay === undefined ? 'The last day of access must be a real date' : tooSoonOrLate(lastDay, today);
  if (problem) errors.push({ field: 'day', text: problem });
  const reason = parseReason(form.reason);
  errors.push(...reason.errors);
  return {
    grant: { scopes: form.scopes, labels, teams, lastDay: lastDay ?? null, reason: reason.reason },
    errors,
  };
}

/** A reason is optional, one line, and short enough to be read in a table. */
export function parseReason(text: string): { reason: string | null; errors: FieldError[] } {
  const reason = text.replaceAll('\0', '').replace(/\s+/g, ' ').trim();
  const errors =
    reason.length > REASON_LENGTH_MAX
      ? [{ field: 'reason', text: `The reason must be ${REASON_LENGTH_MAX} characters or fewer` }]
      : [];
  return { reason: reason || null, errors };
}

/** YYYY-MM-DD in the United Kingdom. */
export const dayInLondon = (at: Date): string => DAY.format(at);

const DAY = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London' });

/** null when left empty, undefined when it is no date. */
function parseDay({ day, month, year }: { day: string; month: string; year: string }) {
  const parts = [year, month, day].map((part) => part.trim());
  if (parts.every((part) => part === '')) return null;
  if (!/^\d{4}-\d{1,2}-\d{1,2}$/.test(parts.join('-'))) return undefined;
  const [y, m, d] = parts.map(Number) as [number, number, number];
  const at = new Date(Date.UTC(y, m - 1, d));
  if (at.getUTCMonth() !== m - 1 || at.getUTCDate() !== d || y < 1000) return undefined;
  return at.toISOString().slice(0, 10);
}

function tooSoonOrLate(lastDay: string | null, today: string): string | undefined {
  if (lastDay === null) return undefined;
  if (lastDay < today) return 'The last day of access must be today or in the future';
  const latest = `${Number(today.slice(0, 4)) + YEARS_MAX}${today.slice(4)}`;
  return lastDay > latest ? `The last day of access must be within ${YEARS_MAX} years` : undefined;
}
