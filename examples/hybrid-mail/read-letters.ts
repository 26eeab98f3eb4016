import { readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { readTable } from '../shared/csv.ts';
import { checkedNhsNumber } from '../shared/find-patient.ts';
import { UsageError } from '../shared/usage-error.ts';

export type Letter = {
  /** Its line in letters.csv, from 1. */
  line: number;
  /** The sender's own number of it, for ever: under it the same letter replaces itself, and its receipt is asked for. */
  id: string;
  nhsNumber: string;
  title: string;
  file: string;
  contentType: string;
  path: string;
  bytes: number;
};

const CONTENT_TYPES: Record<string, string | undefined> = {
  '.pdf': 'application/pdf',
  '.html': 'text/html',
  '.txt': 'text/plain; charset=utf-8',
};
/** The service takes no larger file. */
const BYTES_MAX = 10 * 1024 * 1024;
const PROBLEMS_SHOWN = 10;

/**
 * The letters of a folder, as its letters.csv lists them. All of it is checked before anything is sent; the files are
 * read one by one later, for there may be many.
 * @throws {UsageError} naming each line that is wrong
 */
export function readLetters(folder: string): Letter[] {
  const rows = readTable(join(folder, 'letters.csv'), ['letter_id', 'nhs_number', 'file', 'title']);
  const problems: string[] = [];
  const ids = new Set<string>();
  const letters = rows.flatMap(({ line, cell }) => {
    try {
      const letter = letterIn(folder, line, cell);
      if (ids.has(letter.id)) throw new Error(`letter_id ${letter.id} stands above already.`);
      ids.add(letter.id);
      return [letter];
    } catch (error) {
      problems.push(`  line ${line}: ${(error as Error).message}`);
      return [];
    }
  });
  if (problems.length > 0) {
    const more = problems.length > PROBLEMS_SHOWN ? [`  … and ${problems.length - PROBLEMS_SHOWN} more`] : [];
    const shown = problems.slice(0, PROBLEMS_SHOWN);
    throw new UsageError(['No letter was sent. Put right:', ...shown, ...more].join('\n'));
  }
  if (letters.length === 0) throw new UsageError(`${folder} has no letters.`);
  return letters;
}

export const contentOf = ({ path }: Letter): Buffer<ArrayBuffer> => readFileSync(path);

function letterIn(folder: string, line: number, cell: (name: string) => string): Letter {
  const id = cell('letter_id');
  // It goes into addresses, as `system|value`.
  if (!/^[\w.:-]{1,64}$/.test(id))
    throw new Error(`letter_id “${id}” is not 1 to 64 letters, digits and - . : _`);
  const file = cell('file');
  const contentType = CONTENT_TYPES[extname(file).toLowerCase()];
  if (basename(file) !== file || !contentType)
    throw new Error(`file “${file}” is not a .pdf, .html or .txt in this folder.`);
  const path = join(folder, file);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new Error(`there is no file ${file}.`);
  const bytes = found.size;
  if (bytes === 0) throw new Error(`file ${file} is empty.`);
  if (bytes > BYTES_MAX) throw new Error(`file ${file} is larger than 10 MB: make it smaller, or post it.`);
  const title = cell('title');
  if (!title) throw new Error('title is empty: the patient sees it in the list of letters.');
  return { line, id, nhsNumber: checkedNhsNumber(cell('nhs_number')), title, file, contentType, path, bytes };
}
