import { checkedNhsNumber } from '../shared/find-patient.ts';
import { UsageError } from '../shared/usage-error.ts';

export type Reading = {
  /** Its line in the file, from 1. */
  line: number;
  nhsNumber: string;
  /** ISO 8601 with an offset: without one nobody knows when it was. */
  takenAt: string;
  systolic: number;
  diastolic: number;
  /** The serial number of the monitor. */
  monitor: string;
};

const COLUMNS = ['taken_at', 'systolic', 'diastolic', 'monitor'] as const;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/;
/** In mmHg: beyond these it is a slip, not a reading. */
const [LOWEST, HIGHEST] = [20, 300];
const PROBLEMS_SHOWN = 10;

/**
 * Reads the whole file before anything is sent, so that a wrong file changes nothing.
 * @param nhsNumber whose readings they are, where the file has no column `nhs_number`
 * @throws {UsageError} naming each line that is wrong
 */
export function readReadings(csv: string, nhsNumber: string | undefined): Reading[] {
  const [head = '', ...lines] = csv.replace(/^\uFEFF/, '').split(/\r?\n/);
  const columns = head.split(',').map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((name) => !columns.includes(name));
  if (missing.length > 0) throw new UsageError(`The file has no column ${missing.join(', ')}.`);
  if (!columns.includes('nhs_number') && !nhsNumber)
    throw new UsageError('Say whose readings they are: --nhs-number, or a column nhs_number in the file.');

  const readings: Reading[] = [];
  const problems: string[] = [];
  for (const [index, text] of lines.entries()) {
    if (text.trim() === '') continue;
    const cells = text.split(',').map((cell) => cell.trim());
    const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
    const line = index + 2;
    try {
      readings.push(readingIn(cell, line, columns.includes('nhs_number') ? cell('nhs_number') : nhsNumber!));
    } catch (error) {
      problems.push(`  line ${line}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) {
    const more = problems.length > PROBLEMS_SHOWN ? [`  … and ${problems.length - PROBLEMS_SHOWN} more`] : [];
    throw new UsageError(
      ['The file was not sent. Put right:', ...problems.slice(0, PROBLEMS_SHOWN), ...more].join('\n'),
    );
  }
  if (readings.length === 0) throw new UsageError('The file has no readings.');
  return readings;
}

function readingIn(cell: (name: string) => string, line: number, nhsNumber: string): Reading {
  const takenAt = cell('taken_at');
  if (!MOMENT.test(takenAt) || Number.isNaN(Date.parse(takenAt)))
    throw new Error(`taken_at is “${takenAt}”, not a time such as 2026-11-09T07:32:00+00:00.`);
  if (Date.parse(takenAt) > Date.now()) throw new Error(`taken_at ${takenAt} is in the future.`);
  const [systolic, diastolic] = [pressure(cell('systolic')), pressure(cell('diastolic'))];
  if (systolic === undefined || diastolic === undefined || diastolic >= systolic)
    throw new Error(`${cell('systolic')}/${cell('diastolic')} is not a blood pressure in mmHg.`);
  const monitor = cell('monitor');
  if (!monitor) throw new Error('monitor is empty: the serial number is part of what tells readings apart.');
  return { line, nhsNumber: checkedNhsNumber(nhsNumber), takenAt, systolic, diastolic, monitor };
}

function pressure(text: string): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= LOWEST && value <= HIGHEST ? value : undefined;
}
