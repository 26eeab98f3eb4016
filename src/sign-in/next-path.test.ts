import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { safeNextPath } from './next-path.ts';

it('keeps paths of this service, with their query', () => {
  for (const path of [
    '/',
    '/connected-systems',
    '/connected-systems?status=active&sort=name',
    '/help/a-b_c.d/e?x=%20',
  ]) {
    assert.equal(safeNextPath(path), path);
  }
});

it('turns every known way of writing another host into the start page', () => {
  const tricks = [
    'https://evil.test',
    '//evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '/.//evil.test',
    '/x/..//evil.test',
    '/%2e//evil.test',
    'javascript:alert(1)',
    ' /path',
    'evil.test',
    '',
    '/é',
  ];
  for (const trick of tricks) assert.equal(safeNextPath(trick), '/', JSON.stringify(trick));
  for (const other of [undefined, null, 5, ['/a'], `/${'a'.repeat(2000)}`])
    assert.equal(safeNextPath(other), '/');
});

it('does not lead back to signing in or out', () => {
  for (const path of ['/sign-in', '/sign-in?next=/a', '/sign-in/code', '/sign-out']) {
    assert.equal(safeNextPath(path), '/');
  }
});

it('stays on this host whatever is sent', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '//',
    ':',
    '@',
    '?',
    '#',
    '%2f',
    '\t',
    'evil.test',
    'http:',
    'a',
    ' ',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((parts) => parts.join('')),
    fc.webUrl(),
  );
  fc.assert(
    fc.property(text, (next) => {
      const path = safeNextPath(next);
      assert.ok(path.startsWith('/'));
      assert.equal(new URL(path, 'https://service.test').origin, 'https://service.test');
      assert.equal(safeNextPath(path), path);
    }),
    { numRuns: 5000 },
  );
});
