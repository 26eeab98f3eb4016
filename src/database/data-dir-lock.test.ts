import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockDataDir } from './data-dir-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'lock-'));
after(() => rmSync(folder, { recursive: true }));

/** A process that tries to hold the folder, says how it went, and then stays. */
async function contender() {
  const script = `import { lockDataDir } from ${JSON.stringify(import.meta.resolve('./data-dir-lock.ts'))};
    try { globalThis.lock = lockDataDir(${JSON.stringify(folder)}); console.log('held'); }
    catch (error) { console.log(error.code); }
    setInterval(() => globalThis.lock, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const [said] = await once(child.stdout, 'data');
  return { child, said: String(said).trim() };
}

async function end({ child }: { child: ReturnType<typeof spawn> }) {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('of processes that start at the same moment exactly one holds the folder', async () => {
  const contenders = await Promise.all([contender(), contender(), contender()]);
  assert.deepEqual(contenders.map(({ said }) => said).sort(), ['DATA_DIR_IN_USE', 'DATA_DIR_IN_USE', 'held']);
  await Promise.all(contenders.map(end));
});

test('the second is told which process holds it, and does not disturb it', async () => {
  const holder = await contender();
  assert.equal(holder.said, 'held');
  for (const _ of [1, 2]) {
    assert.throws(() => lockDataDir(folder), {
      code: 'DATA_DIR_IN_USE',
      message: `${folder} is in use by process ${holder.child.pid}. Stop that one first, or set another DATA_DIR.`,
    });
  }
  await end(holder);
});

test('a holder that was killed leaves nothing that must be cleared', async () => {
  await end(await contender());
  lockDataDir(folder).release();
});

test('within one process, too, a second hold is refused and the first stays', async () => {
  const lock = lockDataDir(folder);
  assert.throws(() => lockDataDir(folder), { code: 'DATA_DIR_IN_USE' });
  const other = await contender();
  assert.equal(other.said, 'DATA_DIR_IN_USE');
  await end(other);
  lock.release();
  assert.equal(existsSync(join(folder, 'server.pid')), false);
  lockDataDir(folder).release();
});
