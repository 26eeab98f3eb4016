import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.ts';

/**
 * A file that the user named, as text.
 * @param what it is for, when its name alone does not say
 * @throws {UsageError} when it cannot be read
 */
export function readText(file: string, what?: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const named = what ? `${file} (${what})` : file;
    throw new UsageError(`${named} cannot be read: ${WHY[code] ?? code}.`);
  }
}

const WHY: Record<string, string | undefined> = {
  ENOENT: 'there is no such file; check the name and the folder that you are in',
  EISDIR: 'it is a folder',
  ENOTDIR: 'one of the folders in its name is a file',
  EACCES: 'this user may not read it',
};
