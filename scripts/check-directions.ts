import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, normalize } from 'node:path';

/**
 * The house from the top floor down: what stands in `src/` may import only from floors below its own, so arrows
 * point one way and no circle of rooms can arise. A new room gets its floor here.
 */
const FLOORS = [
  ['server.ts'],
  ['start-server.ts'],
  ['pages.ts'],
  ['demo'],
  ['help', 'patients', 'systmone'],
  ['record'],
  ['record-context'],
  ['connections'],
  ['fhir'],
  ['subscriptions', 'systems'],
  ['oauth'],
  ['attachments', 'invitations', 'mail'],
  ['sign-in'],
  ['web'],
  ['context.ts'],
  ['audit', 'directory', 'health.ts', 'http.ts', 'metrics.ts'],
  ['database', 'readable-path.ts', 'shutdown.ts'],
  ['log.ts', 'secrets.ts'],
  ['config.ts', 'hmac.ts', 'ids.ts'],
];

const floorOf = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)));
const IMPORT = /^\s*(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]|^import\s+['"](\.[^'"]+)['"]/gm;

const faults: string[] = [];
for await (const file of glob('src/**/*.ts')) {
  // Tests and what only they use may look everywhere.
  if (/\.test\.ts$|\/test-support(\/|\.ts$)|\/fixture\.ts$/.test(file)) continue;
  for (const match of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const target = normalize(`${dirname(file)}/${match[1] ?? match[2]}`);
    const fault = faultOf(file, target);
    if (fault) faults.push(fault);
  }
}
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'import directions: ok' : `import directions: ${faults.length} wrong`);
process.exitCode = faults.length === 0 ? 0 : 1;

function faultOf(file: string, target: string): string | undefined {
  if (!target.startsWith('src/')) return `${file} imports ${target}, which is not part of the product`;
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to) return undefined;
  const [upper, lower] = [floorOf.get(from), floorOf.get(to)];
  if (upper === undefined) return `${file}: give src/${from} a floor in scripts/check-directions.ts`;
  if (lower === undefined) return `${target}: give src/${to} a floor in scripts/check-directions.ts`;
  return lower > upper ? undefined : `${file} imports ${target}, which is not below it`;
}

function roomOf(file: string): string {
  return file.split('/')[1]!;
}
