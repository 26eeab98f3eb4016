import type { SearchParameter } from '../definitions/definitions.ts';
import { bareEntry, presentEntry, soughtEntry } from './entries.ts';
import { type Parsed, parsed, parseEach, refused } from './parsed.ts';
import { splitValue, unescapeValue } from './split-value.ts';

/**
 * The entries of which a resource must have at least one to match a token search `[system|]code[,…]`.
 * An empty list matches nothing (a code in a system that the element cannot have). Look in `identifiers` where
 * `isIdentifierParameter` says so, else in `tokens`; `:not` is the same list, negated.
 */
export function tokenQuery(parameter: SearchParameter, raw: string): Parsed<string[]> {
  return parseEach(splitValue(raw, ','), (part) => one(parameter, part));
}

/** The same for any parameter code and without implied systems: `subject:identifier=system|value`. */
export function codedQuery(code: string, raw: string): Parsed<string[]> {
  return parseEach(splitValue(raw, ','), (part) => {
    const { system, value } = halves(part);
    return value || system ? parsed([soughtEntry(code, system, value)]) : refused(EMPTY);
  });
}

/** `:missing=true` or `false`: whether the returned entry must be absent. */
export function missingQuery(
  parameter: SearchParameter,
  raw: string,
): Parsed<{ entry: string; missing: boolean }> {
  if (raw !== 'true' && raw !== 'false') return refused(':missing takes true or false');
  return parsed({ entry: presentEntry(parameter.code), missing: raw === 'true' });
}

const EMPTY = 'A token search value is empty: give code, system|code, |code or system|';

function one(parameter: SearchParameter, part: string): Parsed<string[]> {
  const { code, impliedSystems } = parameter;
  if (!impliedSystems) return codedQuery(code, part);
  const { system, value } = halves(part);
  if (!value && !system) return refused(EMPTY);
  if (system && !impliedSystems.includes(system)) return parsed([]);
  return parsed([value ? bareEntry(code, value) : presentEntry(code)]);
}

/** `system` is undefined for "any", empty for "none". Only the first bar divides: identifiers may hold others. */
function halves(part: string): { system: string | undefined; value: string } {
  const [first = '', ...rest] = splitValue(part, '|');
  if (rest.length === 0) return { system: undefined, value: unescapeValue(first) };
  return { system: unescapeValue(first), value: unescapeValue(rest.join('|')) };
}
