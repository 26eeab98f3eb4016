import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar } from './calendar.ts';

test('days are counted from today across months, leap years and clock changes', () => {
  const calendar = createCalendar('2028-03-01');
  assert.equal(calendar.date(0), '2028-03-01');
  assert.equal(calendar.date(-1), '2028-02-29');
  assert.equal(calendar.date(31), '2028-04-01');
  assert.equal(calendar.instant(-366, 61), '2027-03-01T01:01:00.000Z');
});

test('contacts fall on working days and never move into the future', () => {
  // The 22nd of November 2026 is a Sunday.
  const calendar = createCalendar('2026-11-22');
  assert.equal(calendar.date(calendar.workday(-1)), '2026-11-20');
  assert.equal(calendar.date(calendar.workday(-7)), '2026-11-16');
  assert.equal(calendar.date(calendar.workday(-3)), '2026-11-19');
  assert.ok(calendar.workday(0) <= 0);
});

test('the first of a month is found in this year and in others', () => {
  const calendar = createCalendar('2026-11-22');
  assert.equal(calendar.date(calendar.firstOf(10, 0)), '2026-10-01');
  assert.equal(calendar.date(calendar.firstOf(10, -3)), '2023-10-01');
});

test('what is no date is refused', () => {
  assert.throws(() => createCalendar('tomorrow'), /not a date/);
});
