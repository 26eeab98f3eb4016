import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isSixteen, readDate, todayIn } from './dates.ts';
import { type Invitation, standingOf } from './standing.ts';

const now = new Date('2026-11-22T09:00:00Z');
const open: Invitation = {
  expiresAt: new Date('2026-12-01T00:00:00Z'),
  usedAt: null,
  revokedAt: null,
  revokeReason: null,
};

it('tells the holder of both codes what became of the invitation', () => {
  const cases: [Partial<Invitation>, ReturnType<typeof standingOf>][] = [
    [{}, 'open'],
    [{ expiresAt: now }, 'expired'],
    [{ usedAt: now }, 'used'],
    [{ usedAt: now, expiresAt: new Date(0) }, 'used'],
    [{ revokedAt: now, revokeReason: 'joined' }, 'used'],
    [{ revokedAt: now, revokeReason: 'attempts' }, 'locked'],
    [{ revokedAt: now, revokeReason: 'replaced' }, 'replaced'],
    [{ revokedAt: now, revokeReason: 'withdrawn' }, 'withdrawn'],
    [{ revokedAt: now, revokeReason: null }, 'withdrawn'],
  ];
  for (const [change, standing] of cases) assert.equal(standingOf({ ...open, ...change }, now), standing);
});

it('reads a date as people type it', () => {
  assert.equal(readDate({ day: ' 31', month: '3', year: '1980 ' }), '1980-03-31');
  assert.equal(readDate({ day: '1', month: 'March', year: '1980' }), '1980-03-01');
  assert.equal(readDate({ day: '29', month: 'feb', year: '2008' }), '2008-02-29');
});

it('reads no day that there is not', () => {
  const wrong = [
    ['31', '2', '1980'],
    ['29', '2', '2007'],
    ['0', '1', '1980'],
    ['1', '13', '1980'],
    ['1', '1', '80'],
    ['1', '', '1980'],
    ['', '1', '1980'],
    ['1', 'xyz', '1980'],
    ['1', '1', '١٩٨٠'],
    ['-1', '1', '1980'],
  ];
  for (const [day = '', month = '', year = ''] of wrong) {
    assert.equal(readDate({ day, month, year }), null, `${day}/${month}/${year}`);
  }
});

it('lets nobody join a day before their sixteenth birthday, and everybody on it', () => {
  assert.equal(isSixteen('2010-11-22', '2026-11-22'), true);
  assert.equal(isSixteen('2010-11-23', '2026-11-22'), false);
  assert.equal(isSixteen('1930-01-01', '2026-11-22'), true);
  const day = fc.date({ min: new Date('1900-01-01'), max: new Date('2080-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(day, (born) => {
      const birthDate = born.toISOString().slice(0, 10);
      const birthday = new Date(born);
      birthday.setUTCFullYear(born.getUTCFullYear() + 16);
      const before = new Date(birthday.getTime() - 86_400_000).toISOString().slice(0, 10);
      return isSixteen(birthDate, birthday.toISOString().slice(0, 10)) && !isSixteen(birthDate, before);
    }),
  );
});

it('counts days as they are in London', () => {
  assert.equal(todayIn(new Date('2026-07-01T23:30:00Z')), '2026-07-02');
  assert.equal(todayIn(new Date('2026-11-22T23:30:00Z')), '2026-11-22');
});
