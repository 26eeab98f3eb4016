import type { SearchParameter } from '../definitions/definitions.ts';
import { exactEntry } from './entries.ts';
import { normaliseText } from './normalise-text.ts';
import { type Parsed, parsed, parseEach, refused } from './parsed.ts';
import { splitValue, unescapeValue } from './split-value.ts';

/**
 * One alternative of a string search. `starts`: some of `strings` begins with `entry`. `contains`: some of `strings`
 * begins with `code=` and holds `text` after that. `exact`: `tokens` holds `entry`.
 * `text`, and what follows the code in `entry`, is free of wildcards of SQL's LIKE.
 */
export type StringCondition =
  | { match: 'starts'; entry: string }
  | { match: 'contains'; code: string; text: string }
  | { match: 'exact'; entry: string };

/** R4 section 3.1.1.4.8: by default the beginning, without case and accents; `:contains` anywhere; `:exact` as written. */
export function stringQuery(
  parameter: SearchParameter,
  raw: string,
  modifier?: 'exact' | 'contains',
): Parsed<StringCondition[]> {
  const { code } = parameter;
  return parseEach<StringCondition>(splitValue(raw, ','), (part) => {
    const value = unescapeValue(part);
    if (modifier === 'exact') {
      return value ? parsed([{ match: 'exact', entry: exactEntry(code, value) }]) : refused(nothing(code));
    }
    const text = normaliseText(value);
    if (!text) return refused(nothing(code));
    return parsed([
      modifier === 'contains'
        ? { match: 'contains', code, text }
        : { match: 'starts', entry: code + '=' + text },
    ]);
  });
}

const nothing = (code: string) => `The value of ${code} holds no letter or digit to look for`;
