import assert from 'node:assert/strict';
import { it } from 'node:test';
import { filters } from './filters.ts';

it('writes dates and times of the United Kingdom, summer and winter', () => {
  assert.equal(filters.date('2026-11-22T09:47:19.123Z'), '22 November 2026');
  assert.equal(filters.dateTime('2026-11-22T09:47:19.123Z'), '22 November 2026 at 09:47');
  assert.equal(filters.dateTimeMs('2026-11-22T09:47:19.123Z'), '22 November 2026 at 09:47:19.123 GMT');
  assert.equal(filters.dateTime(new Date('2026-06-30T23:30:00Z')), '1 July 2026 at 00:30');
  assert.equal(filters.dateTimeMs(new Date('2026-06-30T23:30:00Z')), '1 July 2026 at 00:30:00.000 BST');
  assert.equal(filters.dateTime('2026-01-01T00:00:00Z'), '1 January 2026 at 00:00');
});

it('writes nothing for no time, and for what is no time', () => {
  for (const when of [null, undefined, 'soon']) {
    assert.equal(filters.date(when), '');
    assert.equal(filters.dateTimeMs(when), '');
    assert.equal(filters.iso(when), '');
  }
});

it('writes counts and their nouns', () => {
  assert.equal(filters.count(1234567), '1,234,567');
  assert.equal(filters.count('12345678901234567890'), '12,345,678,901,234,567,890');
  assert.equal(filters.plural(0, 'patient'), '0 patients');
  assert.equal(filters.plural(1, 'patient'), '1 patient');
  assert.equal(filters.plural(2400, 'entry', 'entries'), '2,400 entries');
});

it('writes an NHS number as 3 3 4, and leaves alone what is none', () => {
  assert.equal(filters.nhsNumber('9991234567'), '999 123 4567');
  assert.equal(filters.nhsNumber('999123456'), '999123456');
});

it('writes codes in groups of four', () => {
  assert.equal(filters.inFours('ABCDEFGHIJ'), 'ABCD EFGH IJ');
  assert.equal(filters.inFours(''), '');
});

it('changes a query and keeps the rest of it', () => {
  const query = { status: 'active', sort: 'name', page: '3', tag: ['a', 'b'] };
  assert.equal(filters.withQuery(query, { page: 4 }), '?status=active&sort=name&page=4&tag=a&tag=b');
  assert.equal(filters.withQuery(query, { page: '', sort: undefined, tag: null }), '?status=active');
  assert.equal(filters.withQuery({ q: 'a&b="c"' }), '?q=a%26b%3D%22c%22');
  assert.equal(filters.withQuery(undefined), '?');
});

it('finds the error of a field', () => {
  const errors = [{ field: 'email', text: 'Enter it' }];
  assert.deepEqual(filters.errorFor(errors, 'email'), { text: 'Enter it' });
  assert.equal(filters.errorFor(errors, 'other'), false);
  assert.equal(filters.errorFor(undefined, 'email'), false);
  assert.deepEqual(filters.asErrorLinks(errors), [{ text: 'Enter it', href: '#email' }]);
});
