import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dateText, dayText, periodText, timeOf, timingText } from './dates.ts';

describe('FHIR dates in words', () => {
  it('are never more precise than they were given', () => {
    assert.equal(dateText('2019'), '2019');
    assert.equal(dateText('2019-05'), 'May 2019');
    assert.equal(dateText('2019-05-03'), '3 May 2019');
    assert.equal(dateText('2019-05-03T08:47:00Z'), '3 May 2019 at 09:47');
    assert.equal(dateText(undefined), '');
  });

  it('are the day and time of London, and a date without a time is the same day everywhere', () => {
    assert.equal(dateText('2026-06-30T23:30:00Z'), '1 July 2026 at 00:30');
    assert.equal(dateText('2026-01-01T00:30:00+02:00'), '31 December 2025 at 22:30');
    assert.equal(dateText('2026-07-01'), '1 July 2026');
    assert.equal(dayText('2026-06-30T23:30:00Z'), '1 July 2026');
  });

  it('are printed as they stand when they are none', () => {
    assert.equal(dateText('long ago'), 'long ago');
    assert.equal(dateText('2019-13'), '2019-13');
    assert.equal(timeOf('long ago'), null);
  });

  it('say periods with one or two ends, and one day once', () => {
    assert.equal(periodText({ start: '2019-05-03', end: '2019-05-09' }), '3 May 2019 to 9 May 2019');
    assert.equal(periodText({ start: '2019' }), 'since 2019');
    assert.equal(periodText({ end: '2019' }), 'until 2019');
    assert.equal(
      periodText({ start: '2019-01-03T09:00:00Z', end: '2019-01-03T09:20:00Z' }),
      '3 January 2019 at 09:00 to 09:20',
    );
    assert.equal(periodText({ start: '2019', end: '2019' }), '2019');
    assert.equal(periodText({}), '');
  });

  it('say the dates of a timing, else its name', () => {
    assert.equal(timingText({ event: ['2019-05-03', '2019-05-04'] }), '3 May 2019, 4 May 2019');
    assert.equal(timingText({ code: { text: 'Twice a day' } }), 'Twice a day');
    assert.equal(timingText(undefined), '');
  });
});
