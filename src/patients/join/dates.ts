/** Three typed fields as YYYY-MM-DD, or null when there is no such day. Months may be typed as words. */
export function readDate({ day, month, year }: { day: string; month: string; year: string }): string | null {
  const [d, y] = [day.trim(), year.trim()];
  const m = monthOf(month.trim().toLowerCase());
  if (!/^\d{1,2}$/.test(d) || !/^\d{4}$/.test(y) || m === null) return null;
  const iso = `${y}-${String(m).padStart(2, '0')}-${d.padStart(2, '0')}`;
  const at = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso) ? iso : null;
}

/** Today's date where the patients live. */
export const todayIn = (now: Date): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London' }).format(now);

/** Whether someone born then has had their sixteenth birthday. */
export function isSixteen(birthDate: string, today: string): boolean {
  const sixteenth = `${Number(birthDate.slice(0, 4)) + 16}${birthDate.slice(4)}`;
  return sixteenth <= today;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function monthOf(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= 12 ? Number(text) : null;
  const at = /^[a-z]{3,9}$/.test(text) ? MONTHS.indexOf(text.slice(0, 3)) : -1;
  return at < 0 ? null : at + 1;
}
