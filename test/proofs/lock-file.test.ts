import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type Locked = { version: string; optionalDependencies?: Record<string, string> };

test('the lock file names the packages for every platform, without which newer npm refuses `npm ci`', () => {
  const file = new URL('../../package-lock.json', import.meta.url);
  const packages: Record<string, Locked> = JSON.parse(readFileSync(file, 'utf8')).packages;
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`],
    ),
  );
  assert.deepEqual(missing, []);
});
