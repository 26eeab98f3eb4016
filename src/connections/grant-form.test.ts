import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dayInLondon, parseGrantForm, parseReason } from './grant-form.ts';

const TODAY = '2026-11-22';
const TEAM = '0e2f4d1c-58cc-8372-a567-0e02b2c3d479';
const form = {
  reviewed: 'x',
  scopes: ['system/Patient.rs'],
  labels: ['GENERAL_HEALTH'],
  teams: [] as string[],
  day: '',
  month: '',
  year: '',
  reason: '',
};
const parse = (changes: Partial<typeof form>) => parseGrantForm({ ...form, ...changes }, TODAY);
const day = (day: string, month: string, year: string) => parse({ day, month, year });

describe('the form of a grant', () => {
  it('needs no more than a permission and a label', () => {
    assert.deepEqual(parse({}), {
      grant: { scopes: ['system/Patient.rs'], labels: 1, teams: null, lastDay: null, reason: null },
      errors: [],
    });
  });

  it('takes every day from today to ten years on, and no other', () => {
    const at = fc.date({ min: new Date('2000-01-01'), max: new Date('2060-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(at, (date) => {
        const iso = date.toISOString().slice(0, 10);
        const [year, month, dayOfMonth] = iso.split('-') as [string, string, string];
        const { grant, errors } = day(String(Number(dayOfMonth)), month, ` ${year} `);
        assert.equal(errors.length === 0, iso >= TODAY && iso <= '2036-11-22', iso);
        if (errors.length === 0) assert.equal(grant.lastDay, iso);
      }),
    );
  });

  it('takes nothing for a date that is none', () => {
    for (const [d, m, y] of [
      ['31', '4', '2030'],
      ['29', '2', '2030'],
      ['0', '1', '2030'],
      ['1', '13', '2030'],
      ['1', '1', '30'],
      ['1', '1', ''],
      ['', '', '2030'],
      ['1e1', '1', '2030'],
      ['-1', '1', '2030'],
      ['١', '1', '2030'],
    ] as const) {
      assert.deepEqual(day(d, m, y).errors, [
        { field: 'day', text: 'The last day of access must be a real date' },
      ]);
    }
    assert.deepEqual(day('29', '2', '2028').errors, []);
  });

  it('takes teams that are ticked, and never every team for one it cannot read', () => {
    assert.deepEqual(parse({ teams: [TEAM, 'no id'] }).grant.teams, [TEAM]);
    assert.deepEqual(parse({ teams: ['no id'] }).grant.teams, []);
  });

  it('makes a reason one line, and none of an empty one', () => {
    assert.deepEqual(parseReason(' a\r\n  b\0 '), { reason: 'a b', errors: [] });
    assert.deepEqual(parseReason(' \n '), { reason: null, errors: [] });
    assert.deepEqual(parseReason('x'.repeat(500)).errors, []);
    assert.equal(parseReason('x'.repeat(501)).errors.length, 1);
  });

  it('knows the day in the United Kingdom, not in Greenwich', () => {
    assert.equal(dayInLondon(new Date('2026-06-30T23:30:00Z')), '2026-07-01');
    assert.equal(dayInLondon(new Date('2026-12-31T23:30:00Z')), '2026-12-31');
  });
});
