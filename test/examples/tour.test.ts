import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../support/child.ts';

const TOUR = fileURLToPath(new URL('../../examples/tour/tour.ts', import.meta.url));

test('the tour: granted, read, sent once, invited once, revoked, refused with a reason; nothing is left behind', async () => {
  const before = new Set(leftOvers());
  const tour = startChild(TOUR);
  const { code } = await tour.end();
  const said = tour.output();
  assert.equal(code, 0, said);
  assert.match(said, /Granted by .+ on \d+ \w+ \d{4} at \d\d:\d\d:\d\d\.\d{3}/);
  assert.match(said, /Latest results \(5\)/);
  assert.equal(said.match(/Refused: .+ \(connection-revoked, HTTP 403\)/g)?.length, 3);
  assert.match(said, /To be posted: 2\n[\s\S]*To be posted: 4\n/);
  assert.match(said, /You are checked in/);
  assert.match(said, /done in an earlier run: 9/);
  assert.deepEqual(
    leftOvers().filter((folder) => !before.has(folder)),
    [],
  );
});

const leftOvers = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('connected-systems-examples-'));
