import { isValidCalendarDate, validationRegexes } from '@medplum/core';

/**
 * Whether a primitive value is one that the engine takes, by the engine's own forms. False may only mean that it takes
 * more to say so. The kind of JSON value has been checked.
 */
export function isPlain(value: unknown, type: string): boolean {
  if (typeof value === 'boolean') return true;
  if (typeof value === 'number') return isPlainNumber(value, type);
  if (typeof value !== 'string' || type === 'base64Binary') return false;
  if (value.length > TEXT_MAX || value.trim() === '') return false;
  const form = validationRegexes[type];
  if (form && !form.test(value)) return false;
  return !DATES.has(type) || isValidCalendarDate(value);
}

const TEXT_MAX = 1024 * 1024;
const DATES = new Set(['date', 'dateTime', 'instant']);

const LEAST = new Map([
  ['integer', -(2 ** 31)],
  ['unsignedInt', 0],
  ['positiveInt', 1],
]);

function isPlainNumber(value: number, type: string): boolean {
  if (type === 'decimal') return Number.isFinite(value);
  const least = LEAST.get(type);
  return least !== undefined && Number.isInteger(value) && value >= least && value < 2 ** 31;
}
