import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { loadConfig } from './config.ts';
import { loadSecrets, secretFile } from './secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
after(() => rmSync(folder, { recursive: true }));

let dataDir: string;
beforeEach(() => {
  dataDir = join(mkdtempSync(join(folder, 'case-')), 'data');
});

const load = (env: NodeJS.ProcessEnv = {}) => loadSecrets(loadConfig({ ...env, DATA_DIR: dataDir }));
const mode = (...path: string[]) => statSync(join(dataDir, ...path)).mode & 0o777;

test('the first start makes four different keys that only this user can read', () => {
  const keys = Object.values(load()).map((key) => key.toString('hex'));
  assert.equal(new Set(keys).size, 4);
  for (const key of keys) assert.equal(key.length, 64);
  assert.equal(mode('secrets'), 0o700);
  for (const name of readdirSync(join(dataDir, 'secrets'))) assert.equal(mode('secrets', name), 0o600, name);
  assert.equal(mode() & 0o066, 0);
});

test('later starts use the same keys', () => {
  assert.deepEqual(load(), load());
});

test('a key in the environment goes before the file', () => {
  const own = randomBytes(32);
  assert.deepEqual(load({ AUDIT_KEY: own.toString('base64') }).auditKey, own);
});

test('with all keys in the environment nothing is written', () => {
  const key = () => randomBytes(32).toString('base64');
  load({ SECRET_PEPPER: key(), COOKIE_KEY: key(), AUDIT_KEY: key(), ENCRYPTION_KEY: key() });
  assert.throws(() => readdirSync(dataDir), { code: 'ENOENT' });
});

test('a lost key is never replaced by a new one', () => {
  load();
  rmSync(join(dataDir, 'secrets/pepper'));
  assert.throws(() => load(), {
    code: 'CONFIG_INVALID',
    message: /pepper is missing: restore it from a backup/,
  });
});

test('a key that others can read is refused', () => {
  load();
  chmodSync(join(dataDir, 'secrets/audit-key'), 0o640);
  assert.throws(() => load(), {
    code: 'CONFIG_INVALID',
    message: /audit-key is open to others: run chmod 600/,
  });
});

test('a key file that was cut off is refused', () => {
  load();
  const file = join(dataDir, 'secrets/cookie-key');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 20));
  assert.throws(() => load(), { code: 'CONFIG_INVALID', message: /cookie-key is damaged/ });
});

test('a first start that was cut off before the keys were whole is as if it had not been', () => {
  load();
  const leftover = join(dataDir, '.secrets-abc');
  rmSync(join(dataDir, 'secrets'), { recursive: true });
  writeFileSync(leftover, '');
  assert.equal(Object.keys(load()).length, 4);
});

test('processes that start at the same moment agree on the keys', async () => {
  const script = `import { secretFile } from ${JSON.stringify(import.meta.resolve('./secrets.ts'))};
    process.stdout.write(secretFile(${JSON.stringify(dataDir)}, 'pepper').toString('hex'));`;
  const found = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      await once(child, 'close');
      return output;
    }),
  );
  assert.deepEqual(new Set(found), new Set([secretFile(dataDir, 'pepper').toString('hex')]));
  assert.deepEqual(readdirSync(dataDir), ['secrets']);
});
