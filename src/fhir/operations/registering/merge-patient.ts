import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../store/content.ts';
import { NATIONAL_SYSTEMS } from '../../store/national-identifiers.ts';

/**
 * A stored Patient brought up to date with what was sent: what is sent takes the place of its like, what is absent
 * stays. Lists of identifiers, names, contact points, addresses and extensions are merged by what each entry is for.
 * Undefined when nothing would change.
 */
export function mergePatient(stored: JsonObject, sent: JsonObject): JsonObject | undefined {
  const { resourceType: _type, id: _id, meta: _meta, ...news } = sent;
  const merged: JsonObject = { ...stored };
  for (const key in news) {
    const element = key.replace(/^_/, '');
    // What is said beside a primitive alone takes nothing else's place.
    const rivals = key === element ? rivalsOf(element, merged) : [];
    for (const rival of rivals) if (!(rival in news)) delete merged[rival];
    merged[key] = mergedElement(element, stored[key], news[key]);
  }
  if (isDeepStrictEqual(merged, stored)) return undefined;
  // A narrative says in words what the data was before.
  if (!('text' in news)) delete merged.text;
  return merged;
}

/** What says the same in another form: the other types of a choice, and what stands beside a primitive. */
function rivalsOf(element: string, merged: JsonObject): string[] {
  const choice = CHOICES.find((name) => element.startsWith(name));
  const own = choice
    ? Object.keys(merged).filter((key) => key.replace(/^_/, '').startsWith(choice))
    : [element, `_${element}`];
  return own.filter((key) => key in merged);
}

const CHOICES = ['deceased', 'multipleBirth'];

function mergedElement(element: string, stored: unknown, sent: unknown): unknown {
  const key = KEYS[element];
  if (!key || !Array.isArray(stored) || !Array.isArray(sent)) return sent;
  const news = grouped(sent, key);
  const olds = grouped(stored, key);
  for (const [name, group] of news) {
    const known = olds.get(name);
    // By this the patient is known to others: what is said of it beside its value is not for each to change.
    const national = element === 'identifier' && NATIONAL_SYSTEMS.has(group[0]?.system as string);
    if (known && (national || isDeepStrictEqual(known, group))) news.delete(name);
  }
  const kept = (stored as JsonObject[]).flatMap((one) => {
    const instead = news.get(key(one));
    if (!instead) return [one];
    // The first gives its place to all that come for it.
    return instead.splice(0);
  });
  return [...kept, ...[...news.values()].flat()];
}

function grouped(entries: JsonObject[], key: Key): Map<string, JsonObject[]> {
  const groups = new Map<string, JsonObject[]>();
  for (const one of entries) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}

type Key = (entry: JsonObject) => string;

/** What an entry of a list is for: a sent one replaces a stored one for the same. */
const KEYS: Record<string, Key | undefined> = {
  __proto__: null as never,
  identifier: ({ system, value }) => `${system}|${value}`,
  name: ({ use }) => String(use ?? 'official'),
  address: ({ use }) => String(use ?? 'home'),
  // One e-mail address is used; of telephones there is one for each purpose.
  telecom: ({ system, use }) => (system === 'email' ? 'email' : `${system}|${use}`),
  extension: ({ url }) => String(url),
  contained: ({ id }) => String(id),
};
