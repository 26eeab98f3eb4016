import pg from 'pg';

/**
 * How columns arrive: `int8` (counts) as a number, as text beyond 2^53 rather than rounded; `timestamptz` as a Date,
 * so to the millisecond: compare and page by finer times in SQL, not here. All else as the driver has it.
 */
export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === pg.types.builtins.INT8 && format !== 'binary') return wholeNumber;
    return pg.types.getTypeParser(oid, format as 'text');
  },
} as pg.CustomTypesConfig;

function wholeNumber(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}
