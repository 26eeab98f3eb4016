import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvLine, parseCsv } from './csv.ts';

/** Only its owner: codes of invitations stand in such files. */
const MODE = 0o600;

/**
 * A CSV file to which rows are added and nothing else, so that a program knows after any break what it has done. What
 * was added is on the disk when `add` returns; a line that a crash cut short is taken away.
 */
export function openLedger<Column extends string>(path: string, columns: readonly Column[]) {
  type Entry = Record<Column, string>;
  if (!existsSync(path)) writeFileSync(path, csvLine(columns), { mode: MODE, flush: true });
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole < bytes.length) truncateSync(path, whole);
  const [heading, ...rows] = parseCsv(bytes.subarray(0, whole).toString());
  if (heading?.cells.join() !== columns.join()) throw new Error(`${path} is not a file of this program’s.`);
  const entries = rows.map(
    ({ cells }) => Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ''])) as Entry,
  );
  return {
    entries: entries as readonly Entry[],
    add(added: readonly Entry[]): void {
      if (added.length === 0) return;
      const text = added.map((entry) => csvLine(columns.map((name) => entry[name]))).join('');
      appendFileSync(path, text, { flush: true });
      entries.push(...added);
    },
  };
}

/**
 * The folder that a program keeps its files in, and a secret of its own that names its requests: what is sent again
 * after a break is known for the same, and nobody who does not have the folder can ask for the answer.
 */
export function openFolder(path: string) {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const file = join(path, 'request-key');
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: MODE, flush: true });
  return { path, file: (name: string) => join(path, name), requestKey: readFileSync(file, 'utf8') };
}

export type Folder = ReturnType<typeof openFolder>;
