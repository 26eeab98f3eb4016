/** Writes docs/guides/permissions.md from the words that the pages use: `node scripts/write-permissions-guide.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { permissionsGuide } from '../src/help/permissions-guide.ts';

writeFileSync(join(import.meta.dirname, '../docs/guides/permissions.md'), permissionsGuide());
