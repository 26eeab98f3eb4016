import { type Parsed, parsed, refused } from '../search-index/parsed.ts';

const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;

/** Numbers as decimal text: the database compares them exactly. `from`…`to` is what the precision covers. */
export type NumberCondition = { prefix: (typeof PREFIXES)[number]; value: string; from: string; to: string };

/**
 * Reads `[prefix]number`. Equality is "to the precision given": 5.4 is 5.35 up to 5.45; `ap` is within a tenth
 * (R4 section 3.1.1.4.6).
 */
export function numberQuery(raw: string): Parsed<NumberCondition> {
  const match = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?\d{1,15}(?:\.\d{1,12})?(?:[eE][+-]?\d{1,2})?)$/.exec(
    raw,
  );
  if (!match) return refused('A number is digits with an optional prefix such as gt or le');
  const prefix = (match[1] ?? 'eq') as NumberCondition['prefix'];
  const value = Number(match[2]);
  const [digits = '', exponent = '0'] = match[2]!.toLowerCase().split('e');
  const decimals = (digits.split('.')[1]?.length ?? 0) - Number(exponent);
  const margin = prefix === 'ap' ? Math.abs(value) / 10 : 0.5 * 10 ** -decimals;
  return parsed({ prefix, value: match[2]!, from: plain(value - margin), to: plain(value + margin) });
}

/** Fifteen significant digits: without what binary fractions add at the end. */
const plain = (value: number) => String(Number(value.toPrecision(15)));
