import { isUuid } from '../../ids.ts';
import type { SearchParameter } from '../definitions/definitions.ts';
import { isIdentifierParameter } from '../search-index/compile-indexer.ts';
import { dateQuery } from '../search-index/date-query.ts';
import { identifierCode, soughtEntry } from '../search-index/entries.ts';
import type { Parsed } from '../search-index/parsed.ts';
import { referenceQuery, uriQuery } from '../search-index/reference-query.ts';
import { splitValue, unescapeValue } from '../search-index/split-value.ts';
import { stringQuery } from '../search-index/string-query.ts';
import { codedQuery, missingQuery, tokenQuery } from '../search-index/token-query.ts';
import { labelNumber, PRIVACY_LABEL_SYSTEM, SOURCE_ORGANISATION_SYSTEM } from '../store/labels.ts';
import type { Condition } from './conditions.ts';
import { numberQuery } from './number-query.ts';

export type ParameterResult =
  | { ok: true; condition: Condition }
  | { ok: false; unsupported: boolean; message: string };

type Options = { bases: string[]; now: Date };

/** What one parameter with its modifier and value asks of a resource (R4 section 3.1.1.4). */
export function parseParameter(
  parameter: SearchParameter,
  modifier: string | undefined,
  value: string,
  { bases, now }: Options,
): ParameterResult {
  const { code, type } = parameter;
  const column = isIdentifierParameter(parameter) ? 'identifiers' : 'tokens';
  const tokens = (parsed: Parsed<string[]>, not = false) =>
    made(parsed, (anyOf) => ({ kind: 'tokens', column, anyOf, not }));
  if (code === '_security') return security(parameter, modifier, value);
  if (modifier === 'missing') {
    return made(missingQuery(parameter, value), ({ entry, missing }) => ({
      kind: 'tokens',
      column,
      anyOf: [entry],
      not: missing,
    }));
  }
  if (type === 'token' && (modifier === undefined || modifier === 'not')) {
    return tokens(tokenQuery(parameter, value), modifier === 'not');
  }
  if (type === 'reference') {
    if (modifier === 'identifier') return tokens(codedQuery(identifierCode(code), value));
    if (modifier === undefined || /^[A-Z]/.test(modifier)) {
      return tokens(referenceQuery(parameter, value, { modifierType: modifier, bases }));
    }
  }
  if (type === 'string' && (modifier === undefined || modifier === 'exact' || modifier === 'contains')) {
    return made(stringQuery(parameter, value, modifier), (anyOf) => ({ kind: 'strings', anyOf }));
  }
  if (modifier === undefined) {
    if (type === 'uri') return tokens(uriQuery(parameter, value));
    if (type === 'date') return made(dateQuery(value, now), (anyOf) => ({ kind: 'dates', code, anyOf }));
    if (type === 'number' || type === 'quantity') return numbers(code, value);
  }
  return {
    ok: false,
    unsupported: true,
    message: `The modifier is not supported; ${MODIFIERS[type] ?? 'none'} is`,
  };
}

const MODIFIERS: Record<string, string> = {
  token: ':not or :missing',
  reference: ':identifier, :missing or a resource type',
  string: ':exact, :contains or :missing',
  date: ':missing',
  number: ':missing',
  quantity: ':missing',
  uri: ':missing',
};

function made<T>(parsed: Parsed<T>, condition: (value: T) => Condition): ParameterResult {
  if (!parsed.ok) return { ok: false, unsupported: false, message: parsed.message };
  return { ok: true, condition: condition(parsed.value) };
}

/** `[prefix]number`, for a quantity with `|system|code` or `||code` after it. */
function numbers(code: string, value: string): ParameterResult {
  const anyOf = [];
  for (const part of splitValue(value, ',')) {
    const [digits = '', system, ...rest] = splitValue(part, '|').map(unescapeValue);
    const number = numberQuery(digits);
    if (!number.ok) return { ok: false, unsupported: false, message: number.message };
    const unit = rest.join('|');
    anyOf.push({ number: number.value, unit: unit ? soughtEntry(code, system || undefined, unit) : null });
  }
  return { ok: true, condition: { kind: 'numbers', code, anyOf } };
}

/** What the server sets in meta.security stands in columns; the sender's own labels are in the index. */
function security(parameter: SearchParameter, modifier: string | undefined, value: string): ParameterResult {
  if (modifier !== undefined && modifier !== 'not') {
    return { ok: false, unsupported: true, message: 'The modifier is not supported; :not is' };
  }
  const not = modifier === 'not';
  const parts = splitValue(value, ',').map((part) => splitValue(part, '|').map(unescapeValue));
  if (parts.every(([system, code]) => system === PRIVACY_LABEL_SYSTEM && code)) {
    const anyOf = parts.flatMap(([, code]) => labelNumber(code) ?? []);
    return { ok: true, condition: { kind: 'label', anyOf, not } };
  }
  if (parts.every(([system, code]) => system === SOURCE_ORGANISATION_SYSTEM && code)) {
    return {
      ok: true,
      condition: {
        kind: 'source',
        anyOf: parts.flatMap(([, code = '']) => (isUuid(code) ? [code] : [])),
        not,
      },
    };
  }
  return made(tokenQuery(parameter, value), (anyOf) => ({ kind: 'tokens', column: 'tokens', anyOf, not }));
}
