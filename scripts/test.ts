/**
 * Runs the tests against one shared PostgreSQL: `npm test`, or `npm test -- src/oauth isolation` for the files whose
 * path contains one of the words. `--database` picks the files that use the database, for a run against another
 * PostgreSQL named by DATABASE_URL, without those in the browser, to which that makes no difference.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findChromium } from '../test/support/chromium.ts';
import { startTestServer } from '../test/support/postgres-server.ts';
import { groupTests } from './group-tests.ts';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const databaseOnly = process.argv.includes('--database');

// The service's own settings are each test's to give.
const SERVICE_SETTINGS = [
  'DATABASE_URL',
  'DATA_DIR',
  'PORT',
  'HOST',
  'BASE_URL',
  'DEMO',
  'DEMO_FILE',
  'NODE_ENV',
];

const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'])
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .filter((file) => !databaseOnly || (usesDatabase(file) && !isBrowserTest(file)))
  .sort();

process.exitCode = await run();

async function run(): Promise<number> {
  if (files.length === 0) {
    console.error(`No test file's path contains ${words.join(' or ')}.`);
    return 1;
  }
  const env = { ...process.env };
  if (files.some(isBrowserTest)) {
    const chromium = findChromium();
    if ('problem' in chromium) {
      console.error(chromium.problem);
      return 1;
    }
    env.CHROMIUM_PATH = chromium.path;
  }
  const server = await startTestServer();
  Object.assign(env, { TEST_DATABASE_URL: server.url, TEST_DATABASE_TEMPLATE: server.template });
  for (const name of SERVICE_SETTINGS) delete env[name];
  env.NODE_COMPILE_CACHE ??= resolve('node_modules/.cache/compiled');
  try {
    return await runTests(env);
  } finally {
    await server.stop();
  }
}

async function runTests(env: NodeJS.ProcessEnv): Promise<number> {
  const options = ['--test', '--test-concurrency=3', '--test-timeout=300000'];
  const { entries, remove } = groupTests(files);
  const child = spawn(process.execPath, [...options, ...entries], { env, stdio: 'inherit' });
  // Ctrl-C reaches the runner by itself; we stay to take the server down after it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  remove();
  return code ?? 1;
}

function isBrowserTest(file: string) {
  return file.startsWith('test/browser/');
}

/** Whether the file imports, itself or through others of ours, the databases for tests. */
function usesDatabase(file: string, seen = new Set<string>()): boolean {
  if (file.endsWith('test/support/database.ts')) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.[^']+\.ts)'/g);
  return imports.some(([, path]) => usesDatabase(join(dirname(file), path as string), seen));
}
