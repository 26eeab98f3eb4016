import type { DateCondition } from '../search-index/date-query.ts';
import type { StringCondition } from '../search-index/string-query.ts';
import type { NumberCondition } from './number-query.ts';

/** One thing that a resource must satisfy; the values of a list are alternatives. */
export type Condition =
  | { kind: 'tokens'; column: 'tokens' | 'identifiers'; anyOf: string[]; not: boolean }
  | { kind: 'strings'; anyOf: StringCondition[] }
  | { kind: 'dates'; code: string; anyOf: DateCondition[] }
  | { kind: 'numbers'; code: string; anyOf: { number: NumberCondition; unit: string | null }[] }
  /** The type's main date, which has columns of its own. */
  | { kind: 'main-date'; anyOf: DateCondition[] }
  | { kind: 'updated'; anyOf: DateCondition[] }
  | { kind: 'label'; anyOf: number[]; not: boolean }
  | { kind: 'source'; anyOf: string[]; not: boolean };

/** Keeps the values of one statement and gives their places in its text: nothing a caller sends is ever in the text. */
export type Place = (value: unknown, type: string) => string;

/** What a condition is in SQL over the row `r` of `resource`. */
export function conditionText(condition: Condition, place: Place): string {
  switch (condition.kind) {
    case 'tokens': {
      const found = `coalesce(r.${condition.column} && ${place(condition.anyOf, 'text[]')}, false)`;
      return condition.not ? `not ${found}` : found;
    }
    case 'strings':
      return anyOf(condition.anyOf, (one) => stringText(one, place));
    case 'dates':
      return anyOf(condition.anyOf, (one) => dateText(condition.code, one, place));
    case 'main-date':
      return anyOf(condition.anyOf, (one) => mainDateText(one, place));
    case 'numbers':
      return anyOf(condition.anyOf, ({ number, unit }) => {
        const value = numberText(condition.code, number, place);
        return unit === null ? value : `(${value} and r.tokens @> array[${place(unit, 'text')}])`;
      });
    case 'updated':
      return anyOf(condition.anyOf, (one) => updatedText(one, place));
    case 'label': {
      const found = `r.label = any(${place(condition.anyOf, 'smallint[]')})`;
      return condition.not ? `not ${found}` : found;
    }
    case 'source': {
      const found = `(r.organisation_id = any(${place(condition.anyOf, 'uuid[]')}) and r.by_patient is null)`;
      return condition.not ? `not ${found}` : found;
    }
  }
}

function anyOf<T>(alternatives: readonly T[], text: (one: T) => string): string {
  return alternatives.length === 0 ? 'false' : `(${alternatives.map(text).join(' or ')})`;
}

function stringText(one: StringCondition, place: Place): string {
  if (one.match === 'exact') return `r.tokens @> array[${place(one.entry, 'text')}]`;
  if (one.match === 'starts') {
    return `exists (select from unnest(r.strings) s where starts_with(s, ${place(one.entry, 'text')}))`;
  }
  // The text holds no wildcards of LIKE (normaliseText).
  const code = place(`${one.code}=`, 'text');
  return `exists (select from unnest(r.strings) s
    where starts_with(s, ${code}) and strpos(substr(s, length(${code}) + 1), ${place(one.text, 'text')}) > 0)`;
}

/** Instants are written alike, so they compare as text, byte by byte. */
function dateText(code: string, { prefix, from, to }: DateCondition, place: Place): string {
  const [start, end] = [`(p ->> 0) collate "C"`, `(p ->> 1) collate "C"`];
  const [low, high] = [() => place(from, 'text'), () => place(to, 'text')];
  const within = () => `(${start} >= ${low()} and ${end} <= ${high()})`;
  const comparison = {
    eq: within,
    ne: within,
    gt: () => `${end} > ${high()}`,
    lt: () => `${start} < ${low()}`,
    ge: () => `(${end} > ${high()} or ${within()})`,
    le: () => `(${start} < ${low()} or ${within()})`,
    sa: () => `${start} >= ${high()}`,
    eb: () => `${end} <= ${low()}`,
    ap: () => `(${start} < ${high()} and ${end} > ${low()})`,
  }[prefix];
  const periods = `r.dates -> ${place(code, 'text')}`;
  const some = `exists (select from jsonb_array_elements(${periods}) p where ${comparison()})`;
  return prefix === 'ne' ? `(${periods} is not null and not ${some})` : some;
}

/** The same on columns: every main date is one period at most. '-infinity' stands for none, and satisfies nothing. */
function mainDateText({ prefix, from, to }: DateCondition, place: Place): string {
  const [low, high] = [() => place(from, 'timestamptz'), () => place(to, 'timestamptz')];
  const within = () => `(r.sort_from >= ${low()} and r.sort_to <= ${high()})`;
  const dated = `r.sort_from > '-infinity'`;
  return {
    eq: within,
    ne: () => `(${dated} and not ${within()})`,
    gt: () => `r.sort_to > ${high()}`,
    lt: () => `(${dated} and r.sort_from < ${low()})`,
    ge: () => `(r.sort_to > ${high()} or ${within()})`,
    le: () => `(${dated} and (r.sort_from < ${low()} or ${within()}))`,
    sa: () => `r.sort_from >= ${high()}`,
    eb: () => `(${dated} and r.sort_to <= ${low()})`,
    ap: () => `(r.sort_from < ${high()} and r.sort_to > ${low()})`,
  }[prefix]();
}

/** The time of a write is one point, so only the bounds count. */
function updatedText({ prefix, from, to }: DateCondition, place: Place): string {
  const [low, high] = [() => place(from, 'timestamptz'), () => place(to, 'timestamptz')];
  const within = () => `(r.updated_at >= ${low()} and r.updated_at < ${high()})`;
  return {
    eq: within,
    ap: within,
    ne: () => `not ${within()}`,
    gt: () => `r.updated_at >= ${high()}`,
    sa: () => `r.updated_at >= ${high()}`,
    ge: () => `r.updated_at >= ${low()}`,
    lt: () => `r.updated_at < ${low()}`,
    eb: () => `r.updated_at < ${low()}`,
    le: () => `r.updated_at < ${high()}`,
  }[prefix]();
}

function numberText(code: string, { prefix, value, from, to }: NumberCondition, place: Place): string {
  const compared = (operator: string) => () => `v::numeric ${operator} ${place(value, 'numeric')}`;
  const within = () => `(v::numeric >= ${place(from, 'numeric')} and v::numeric < ${place(to, 'numeric')})`;
  const comparison = {
    eq: within,
    ap: within,
    ne: within,
    gt: compared('>'),
    sa: compared('>'),
    lt: compared('<'),
    eb: compared('<'),
    ge: compared('>='),
    le: compared('<='),
  }[prefix];
  const values = `r.numbers -> ${place(code, 'text')}`;
  const some = `exists (select from jsonb_array_elements_text(${values}) v where ${comparison()})`;
  return prefix === 'ne' ? `(${values} is not null and not ${some})` : some;
}
