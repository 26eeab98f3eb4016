import { isUuid } from '../../ids.ts';
import type { Definitions, SearchParameter } from '../definitions/definitions.ts';
import { Refusal, type RefusalIssue } from '../http/refusal.ts';
import { dateQuery } from '../search-index/date-query.ts';
import { mainDateParameter } from '../search-index/main-date.ts';
import { OWNERS } from '../search-index/patient-of.ts';
import type { Condition } from './conditions.ts';
import { parseParameter } from './parse-parameter.ts';
import { peopleKeys } from './people.ts';
import { sinceOf } from './since.ts';

export type Sort = 'date' | '-date' | '_lastUpdated' | '-_lastUpdated';

/** A search as it will be carried out. */
export type Search = {
  type: string;
  count: number;
  /** Undefined: whatever order is cheapest. */
  sort: Sort | undefined;
  total: boolean;
  onlyCount: boolean;
  /** The resources named by `_id`; none of ours are left out. */
  ids: string[] | null;
  /** Patients whose records are the only place to look. */
  patients: string[] | null;
  /** Whether what belongs to the organisation alone may match too. */
  alsoOwn: boolean;
  /** Entries of an identifier, any of which will do: the index on them is the way in. */
  identified: string[] | null;
  /** Keys of the index on people, all of which must be there. */
  people: string[] | null;
  /** Nothing that was written before this instant matters. */
  since: string | null;
  conditions: Condition[];
  /** The parameters that were understood, for the self link. */
  used: [name: string, value: string][];
  /** Those that were not, under `Prefer: handling=lenient`. */
  ignored: string[];
};

export const COUNT_DEFAULT = 20;
export const COUNT_MAX = 200;

export type ParseOptions = { definitions: Definitions; lenient: boolean; bases: string[]; now: Date };

/** Reads the parameters of a search on one type. @throws {Refusal} listing everything that is wrong. */
export function parseSearch(
  type: string,
  parameters: readonly (readonly [string, string])[],
  options: ParseOptions,
): Search {
  const { definitions, lenient } = options;
  const search: Search = {
    type,
    count: COUNT_DEFAULT,
    sort: undefined,
    total: false,
    onlyCount: false,
    ids: null,
    patients: null,
    alsoOwn: true,
    identified: null,
    people: null,
    since: null,
    conditions: [],
    used: [],
    ignored: [],
  };
  const unsupported: RefusalIssue[] = [];
  const malformed: RefusalIssue[] = [];
  for (const [name, value] of parameters) {
    // An empty value is as good as none (R4 section 3.1.1.3).
    if (name === '' || value === '' || name === '_format' || name === '_pretty') continue;
    const result = value.includes('\0')
      ? NO_TEXT
      : (RESULT[name]?.(search, value, options) ?? add(search, name, value, options));
    if (result.ok) search.used.push([name, value]);
    else if (result.unsupported && lenient) search.ignored.push(shown(name));
    else
      (result.unsupported ? unsupported : malformed).push(issueOf(name, result.message, result.unsupported));
  }
  if (unsupported.length > 0) {
    const known = `Known for ${type}: ${knownParameters(definitions, type).join(', ')}`;
    throw new Refusal('search-unsupported', {
      issues: [...unsupported, { code: 'informational', diagnostics: known }, ...malformed],
    });
  }
  if (malformed.length > 0) throw new Refusal('search-malformed', { issues: malformed });
  search.people = peopleKeys(search);
  search.since = sinceOf(search);
  return search;
}

/** The search parameters of a type that are supported, the common ones last. */
export function supportedParameters(definitions: Definitions, type: string): readonly SearchParameter[] {
  const all = definitions.searchParameters(type);
  let found = supported.get(all);
  if (!found) {
    found = all.filter(
      ({ code, type: kind, paths }) => (COLUMN_CODES.has(code) || paths.length > 0) && KINDS.has(kind),
    );
    supported.set(all, found);
  }
  return found;
}

/** Definitions never change while a process runs, and each parameter of each search asks. */
const supported = new WeakMap<readonly SearchParameter[], readonly SearchParameter[]>();

const KINDS = new Set(['token', 'reference', 'date', 'string', 'number', 'quantity', 'uri']);
const COLUMN_CODES = new Set(['_id', '_lastUpdated', '_security']);

type Result = { ok: true } | { ok: false; unsupported: boolean; message: string };
const OK: Result = { ok: true };
const wrong = (message: string): Result => ({ ok: false, unsupported: false, message });
const unknown = (message: string): Result => ({ ok: false, unsupported: true, message });
/** The database's text holds no NUL. */
const NO_TEXT = wrong('The value has a character that no text has');

/** Parameters about the result rather than the resources (R4 section 3.1.1.5). */
const RESULT: Record<string, (search: Search, value: string, options: ParseOptions) => Result> = {
  _count(search, value) {
    if (!/^\d{1,9}$/.test(value)) return wrong('_count takes a whole number');
    search.count = Math.min(Number(value), COUNT_MAX);
    if (Number(value) === 0) search.onlyCount = true;
    return OK;
  },
  _sort(search, value, { definitions }) {
    const main = mainDateParameter(definitions, search.type);
    const [, minus = '', name = ''] = /^(-?)(.*)$/.exec(value) ?? [];
    if (name === '_lastUpdated') search.sort = `${minus as '-'}_lastUpdated`;
    else if (main !== undefined && (name === 'date' || name === main)) search.sort = `${minus as '-'}date`;
    else return unknown(`_sort takes one of ${main ? `date, -date, ` : ''}_lastUpdated, -_lastUpdated`);
    return OK;
  },
  _total(search, value) {
    if (value !== 'accurate' && value !== 'none' && value !== 'estimate') {
      return wrong('_total takes none, estimate or accurate');
    }
    search.total = value !== 'none';
    return OK;
  },
  _summary(search, value) {
    if (value !== 'count' && value !== 'false') return unknown('_summary takes count or false');
    search.onlyCount = value === 'count';
    return OK;
  },
  _id(search, value) {
    const ids = value.split(',').filter(isUuid);
    search.ids = search.ids ? search.ids.filter((id) => ids.includes(id)) : [...new Set(ids)];
    return OK;
  },
  _lastUpdated(search, value, { now }) {
    const parsed = dateQuery(value, now);
    if (!parsed.ok) return wrong(parsed.message);
    search.conditions.push({ kind: 'updated', anyOf: parsed.value });
    return OK;
  },
};
Object.setPrototypeOf(RESULT, null);

function add(search: Search, name: string, value: string, options: ParseOptions): Result {
  if (/^(_include|_revinclude|_has)(:|$)/.test(name))
    return unknown('Includes and reverse chains are not supported');
  if (name.includes('.')) return unknown('Chained parameters are not supported');
  const [code = '', modifier, ...more] = name.split(':');
  const parameter = supportedParameters(options.definitions, search.type).find((one) => one.code === code);
  if (!parameter || more.length > 0) return unknown('There is no such parameter');
  const result = parseParameter(parameter, modifier, value, options);
  if (!result.ok) return result.unsupported ? unknown(result.message) : wrong(result.message);
  const { condition } = result;
  if (condition.kind === 'dates' && code === soleMainDate(options.definitions, search.type)) {
    search.conditions.push({ kind: 'main-date', anyOf: condition.anyOf });
  } else if (!narrow(search, parameter, modifier, condition)) search.conditions.push(condition);
  return OK;
}

/** Types whose main date may repeat, so that its columns hold no more than the hull; all others have one at most. */
export const SEVERAL_MAIN_DATES: ReadonlySet<string> = new Set(['Substance']);

const soleMainDate = (definitions: Definitions, type: string): string | undefined =>
  SEVERAL_MAIN_DATES.has(type) ? undefined : mainDateParameter(definitions, type);

/**
 * Finds the way in that an index offers, which can only leave out what cannot match. True when that says all that the
 * condition says.
 */
function narrow(
  search: Search,
  { code }: SearchParameter,
  modifier: string | undefined,
  condition: Condition,
): boolean {
  if (condition.kind !== 'tokens' || condition.not || modifier === 'missing' || modifier === 'identifier')
    return false;
  if (condition.column === 'identifiers') {
    // `system|` alone may be shared by everybody: a filter, not a way in.
    if (search.identified === null && condition.anyOf.every((entry) => !entry.endsWith('|'))) {
      search.identified = condition.anyOf;
    }
    return false;
  }
  const owners = OWNERS[search.type] ?? [];
  const [owner] = owners;
  if (owners.length !== 1 || (owner !== 'subject' && owner !== 'patient')) return false;
  if (code !== owner && code !== 'patient') return false;
  const references = condition.anyOf.map((entry) => entry.slice(code.length + 1));
  const patients = references.flatMap((reference) => {
    const id = /^Patient\/(.+)$/.exec(reference)?.[1];
    return id !== undefined && isUuid(id) ? [id] : [];
  });
  const before = search.patients;
  search.patients = before ? patients.filter((id) => before.includes(id)) : [...new Set(patients)];
  const onlyPatients =
    code === 'patient' || references.every((reference) => reference.startsWith('Patient/'));
  if (onlyPatients) search.alsoOwn = false;
  return onlyPatients;
}

export function knownParameters(definitions: Definitions, type: string): string[] {
  const own = supportedParameters(definitions, type).map(({ code }) => code);
  return [...new Set([...own, ...Object.keys(RESULT), '_format'])].sort();
}

function issueOf(name: string, message: string, isUnsupported: boolean): RefusalIssue {
  return {
    code: isUnsupported ? 'not-supported' : 'value',
    diagnostics: `Parameter ${shown(name)}: ${message}`,
  };
}

/** What a caller puts in a name is shown again only when it looks like one. */
const shown = (name: string) => (/^[A-Za-z0-9_:.-]{1,64}$/.test(name) ? name : '(unreadable)');
