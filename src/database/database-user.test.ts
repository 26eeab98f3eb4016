import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commandAs, databaseUser } from './database-user.ts';

const asRoot = { skip: process.getuid?.() !== 0 && 'only root can change users' };
const folder = mkdtempSync(join(tmpdir(), 'database-user-'));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

/** An /etc/passwd with these users. */
function passwd(...lines: string[]) {
  const file = join(folder, 'passwd');
  writeFileSync(file, ['root:x:0:0::/root:/bin/sh', ...lines].join('\n'));
  return file;
}

const nowhere = join(folder, 'nowhere');

test('who is not root runs the database as themselves', { skip: !asRoot.skip && 'is root' }, () => {
  assert.equal(databaseUser(nowhere), undefined);
});

test('root hands it to postgres, else to nobody, never to itself', asRoot, () => {
  const nobody = 'nobody:x:65534:65534::/:/bin/false';
  assert.deepEqual(databaseUser(nowhere, passwd(nobody, 'postgres:x:101:104::/:/bin/sh')), {
    uid: 101,
    gid: 104,
  });
  assert.deepEqual(databaseUser(nowhere, passwd(nobody)), { uid: 65534, gid: 65534 });
  assert.throws(() => databaseUser(nowhere, passwd()), { code: 'NO_DATABASE_USER' });
});

test('data that exists keeps its owner', asRoot, () => {
  const data = join(folder, 'owned');
  mkdirSync(data);
  chownSync(data, 4321, 1234);
  assert.deepEqual(databaseUser(data), { uid: 4321, gid: 1234 });
});

test('where all is open to that user, it gets no more than its own rights', asRoot, () => {
  const user = { uid: 65534, gid: 65534 };
  const { args, options } = commandAs(user, ['/usr/bin/id'], { reach: [join(folder, 'file')] });
  assert.equal(options.uid, 65534);
  assert.equal(options.gid, 65534);
  assert.ok(!args.some((arg) => arg.includes('dac_read_search')));
});

test('where a folder on the way is closed, it may pass through, read and run, and not write', asRoot, () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  // PostgreSQL looks with access(2) whether it may run its own programs; so does `test`.
  const program = join(closed, 'test');
  copyFileSync('/usr/bin/test', program);
  chmodSync(program, 0o700);
  const run = (...args: string[]) => {
    const user = { uid: 65534, gid: 65534 };
    const command = commandAs(user, [program, ...args], { reach: [], endWithParent: true });
    return spawnSync(command.file, command.args, command.options as object).status;
  };
  assert.equal(run('-x', program), 0);
  assert.equal(run('-r', program), 0);
  assert.equal(run('-w', program), 1);
  assert.equal(run('-O', program), 1);
});
