import { writeFileSync } from 'node:fs';
import { csvLine } from '../shared/csv.ts';
import type { Letter } from './read-letters.ts';
import type { Next } from './what-next.ts';

export type Decided = { letter: Letter; next: Next };

/** Says what came of the letters and writes down which to post. Returns the exit code. */
export function tellOutcome(decided: Decided[], postFile: string): number {
  const which = (what: Decided['next']['do']) => decided.filter(({ next }) => next.do === what);
  const list = (title: string, some: Decided[]) => {
    console.log(`${title}: ${some.length}`);
    for (const { letter, next } of some.slice(0, 50)) console.log(`  ${letter.id}  ${next.why}`);
    if (some.length > 50) console.log(`  … and ${some.length - 50} more`);
  };
  list('Read on screen', which('nothing'));
  list('Waiting', which('wait'));
  list('To be posted', which('post'));
  if (which('ask').length > 0) list('To be looked at by a person', which('ask'));
  const rows = which('post').map(({ letter: { id, nhsNumber, file }, next: { why } }) => [
    id,
    nhsNumber,
    file,
    why,
  ]);
  const lines = [['letter_id', 'nhs_number', 'file', 'why'], ...rows].map(csvLine);
  writeFileSync(postFile, lines.join(''), { mode: 0o600 });
  console.log(`What to post is in ${postFile}`);
  const undone = decided.some(({ next }) => next.do === 'ask' && next.undone);
  return undone ? 1 : 0;
}
