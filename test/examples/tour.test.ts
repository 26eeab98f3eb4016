import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../support/child.ts';

const TOUR = fileURLToPath(new URL('../../examples/tour/tour.ts', import.meta.url));

test('the tour: granted, read, sent once, invited once, revoked, refused with a reason; nothing is left behind', async () => {
  // A place of its own: others who start the product at the same time leave theirs elsewhere.
  const place = mkdtempSync(join(tmpdir(), 'tour-'));
  chmodSync(place, 0o711);
  const tour = startChild(TOUR, { env: { TMPDIR: place } });
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
    readdirSync(place).filter((name) => name.startsWith('connected-systems-')),
    [],
  );
  rmSync(place, { recursive: true });
});
