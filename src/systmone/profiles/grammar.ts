import type { FieldName, LaunchFields, Problem } from './types.ts';

type Read = { value: string; problem: null } | { value: null; problem: Problem };

/**
 * What each field may look like. The cipher proves nothing (CBC has no integrity), so this is the check: a changed
 * byte of ciphertext garbles sixteen bytes of text, and those are hardly ever a code, a name, a number with its check
 * digit or a date. No two fields that matter could be taken for each other.
 */
export function readField(field: FieldName, text: string): Read {
  const value = READERS[field](text);
  if (value !== null) return { value, problem: null };
  const wrongDigit = field === 'nhsNumber' && nhsDigits(text) !== null;
  return { value: null, problem: wrongDigit ? 'check-digit' : 'shape' };
}

const matching = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : null);

const READERS: Record<FieldName, (text: string) => string | null> = {
  organisation: matching(/^[A-Z0-9]{3,10}$/),
  userName: matching(/^[A-Za-z][A-Za-z0-9._'@-]{1,63}$/),
  nhsNumber: (text) => {
    const digits = nhsDigits(text);
    return digits && isNhsNumber(digits) ? digits : null;
  },
  birthDate: readDate,
  role: matching(/^[A-Za-z0-9](?:[A-Za-z0-9 ,.()&/'-]{0,78}[A-Za-z0-9.)])?$/),
  notBefore: readInstant,
  expires: readInstant,
  serviceId: matching(/^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$/),
};

/** In one piece or as people write it, 3-3-4. */
function nhsDigits(text: string): string | null {
  return /^(?:\d{10}|\d{3} \d{3} \d{4})$/.test(text) ? text.replaceAll(' ', '') : null;
}

/** NHS Data Dictionary, "NHS NUMBER": the last of ten digits is a check digit, modulus 11. */
export function isNhsNumber(digits: string): boolean {
  if (!/^\d{10}$/.test(digits)) return false;
  const sum = [...digits.slice(0, 9)].reduce(
    (total, digit, index) => total + Number(digit) * (10 - index),
    0,
  );
  return (11 - (sum % 11)) % 11 === Number(digits[9]);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** 1980-12-01, 01/12/1980, 01 Dec 1980 or 01-Dec-1980, as YYYY-MM-DD, of a day that exists. */
function readDate(text: string): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const british = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text);
  const named = /^(\d{2})([ -])([A-Z][a-z]{2})\2(\d{4})$/.exec(text);
  const month = named ? String(MONTHS.indexOf(named[3]!.toLowerCase()) + 1).padStart(2, '0') : '';
  const date =
    (iso && text) ??
    (british && `${british[3]}-${british[2]}-${british[1]}`) ??
    (named && `${named[4]}-${month}-${named[1]}`);
  if (!date || date < '1850-01-01') return null;
  const at = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === date ? date : null;
}

/** A FHIR dateTime down to the second, with its time zone; not past the year 9999, where time zones can lead. */
function readInstant(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return null;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999 ? null : at.toISOString();
}

/** The fields read, as a launch; null unless those that every launch needs are there. */
export function asLaunch(values: Partial<Record<FieldName, string>>): LaunchFields | null {
  const { organisation, userName, nhsNumber } = values;
  if (!organisation || !userName || !nhsNumber) return null;
  return {
    organisation,
    userName,
    nhsNumber,
    birthDate: values.birthDate ?? null,
    role: values.role ?? null,
    notBefore: values.notBefore ? new Date(values.notBefore) : null,
    expires: values.expires ? new Date(values.expires) : null,
    serviceId: values.serviceId ?? null,
  };
}

/** A field as it is written into a link. */
export function fieldText(fields: LaunchFields, field: FieldName): string | null {
  const value = fields[field];
  return value instanceof Date ? value.toISOString() : value;
}
