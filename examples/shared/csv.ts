import { readText } from './read-text.ts';
import { UsageError } from './usage-error.ts';

export type Row = {
  /** Its line in the file, from 1. */
  line: number;
  /** A cell by the name of its column; empty when there is none. */
  cell: (column: string) => string;
};

/**
 * The rows of a CSV file (RFC 4180) below a heading that names the columns, in any order and case. Empty lines are left
 * out.
 * @throws {UsageError} when it cannot be read, lacks a column, or a quotation mark does not end
 */
export function readTable(file: string, needed: readonly string[]): Row[] {
  const [heading, ...rows] = parseCsv(readText(file)).filter(({ cells }) => cells.join('') !== '');
  const columns = (heading?.cells ?? []).map((name) => name.toLowerCase());
  const missing = needed.filter((name) => !columns.includes(name));
  if (missing.length > 0) throw new UsageError(`${file} has no column ${missing.join(', ')}.`);
  return rows.map(({ line, cells }) => ({ line, cell: (column) => cells[columns.indexOf(column)] ?? '' }));
}

/** Cells without the space around them, each row with the line on which it begins. */
export function parseCsv(text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let [line, begun] = [1, 1];
  const cell = /(?:[^\S\r\n]*"((?:[^"]|"")*)"[^\S\r\n]*|([^",\r\n]*))(,|\r?\n|$)/y;
  const rest = text.replace(/^\uFEFF/, '');
  while (cell.lastIndex < rest.length) {
    const found = cell.exec(rest);
    if (!found) throw new UsageError(`Line ${line}: a quotation mark stands where it cannot.`);
    const [whole, quoted, plain = '', end] = found;
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    line += whole.split('\n').length - 1;
    if (end === ',' && cell.lastIndex < rest.length) continue;
    if (end === ',') cells.push('');
    rows.push({ line: begun, cells });
    cells = [];
    begun = line;
  }
  return rows;
}

/** A row as a line of a CSV file. */
export const csvLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
