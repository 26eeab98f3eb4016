import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Puts test files together that one process runs one after another: most of what a short one takes is to start Node,
 * to load the service and to compile its pages. Each file is a suite of its own, so its hooks are its own too and one
 * that cannot be loaded fails alone. Files that start browsers, servers or processes stay by themselves, and begin
 * first, for they take longest.
 * @returns entries for `node --test`, in the order in which they are to begin, and how to take them away again
 */
export function groupTests(files: readonly string[]): { entries: string[]; remove(): void } {
  const groups = Map.groupBy(files, groupOf);
  const folder = mkdtempSync(join(tmpdir(), 'connected-systems-entries-'));
  const entries = [...groups.values()].sort(byWeight).map((group, at) => {
    const entry = join(folder, `${String(at).padStart(3, '0')}.test.mjs`);
    writeFileSync(entry, ["import { describe } from 'node:test';", ...group.map(suiteOf), ''].join('\n'));
    return entry;
  });
  return { entries, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const ALONE = /^test\/(?!examples\/)/;

/** By room, and a crowded room by what stands in it. */
function groupOf(file: string): string {
  if (ALONE.test(file)) return file;
  const [top, room, inner] = file.split('/');
  return room === 'fhir' && inner && !inner.endsWith('.ts') ? `${top}/${room}/${inner}` : `${top}/${room}`;
}

const suiteOf = (file: string): string =>
  `describe(${JSON.stringify(file)}, () => import(${JSON.stringify(pathToFileURL(resolve(file)).href)}));`;

const byWeight = (a: readonly string[], b: readonly string[]): number => weight(b) - weight(a);
const weight = (group: readonly string[]): number =>
  group.reduce((sum, file) => sum + (file.startsWith('test/') ? 1e6 : statSync(file).size), 0);
