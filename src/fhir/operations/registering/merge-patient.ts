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
  const news = new Map<string, JsonObject[]>();
  for (const one of sent as JsonObject[]) news.set(key(one), [...(news.get(key(one)) ?? []), one]);
  const kept = (stored as JsonObject[]).flatMap((one) => {
    const same = news.get(key(one));
    if (!same) return [one];
    if (element === 'identifier' && NATIONAL_SYSTEMS.has(one.system as string)) {
      // By this the patient is known to others: what is said of it beside its value is not for each to change.
      news.set(key(one), []);
      return [one];
    }
    news.set(key(one), []);
    return same;
  });
  return [...kept, ...[...news.values()].flat()];
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
