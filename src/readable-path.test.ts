import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readablePath } from './readable-path.ts';

const pathOf = (url: string) => url.split(/[?#]/, 1)[0] ?? '';

test('whatever is sent as an address, its path can be decoded afterwards', () => {
  const piece = fc.oneof(
    fc.constantFrom('%', '%z', '%zz', '%ff', '%e2%82', '%2f', '%00', '/', '?', '#'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const url = readablePath(`/${pieces.join('')}`);
      assert.doesNotThrow(() => decodeURIComponent(pathOf(url)));
    }),
    { numRuns: 2000 },
  );
});

test('an address that can be decoded stays as it is, to the letter', () => {
  for (const url of ['/', '/a?b=%zz', '/Patient/%C3%A9?name=%ff', '/%2e%2e/x#%']) {
    assert.equal(readablePath(url), url);
  }
});

test('only what cannot be decoded is replaced, so the room whose path it is still answers', () => {
  assert.equal(readablePath('/fhir/R4/%zz?_count=1'), '/fhir/R4/%EF%BF%BDzz?_count=1');
  assert.equal(readablePath('/fhir/R4/%ffx'), '/fhir/R4/%EF%BF%BDx');
});
