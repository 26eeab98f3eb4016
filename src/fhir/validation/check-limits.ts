import { type Issue, issue } from './issue.ts';

/**
 * Refuses JSON that no honest resource needs and that would cost the server dearly (nesting, number of elements),
 * or that the database cannot hold (characters that are not text). Iterative, so that depth cannot exhaust a stack.
 */
export function checkLimits(resource: object, resourceType: string): Issue[] {
  const pending: [value: object, depth: number][] = [[resource, 1]];
  let objects = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [value, depth] = next;
    if (depth > DEPTH_MAX) return [issue('too-long', resourceType, `Nested deeper than ${DEPTH_MAX} levels`)];
    objects += Array.isArray(value) ? 0 : 1;
    if (objects > OBJECTS_MAX) return [issue('too-long', resourceType, `More than ${OBJECTS_MAX} elements`)];
    for (const [key, child] of Object.entries(value)) {
      if (typeof child === 'object' && child !== null) pending.push([child, depth + 1]);
      else if (typeof child === 'string' && !isText(child)) {
        const where = Array.isArray(value) || !isElementName(key) ? 'a text' : `the text of "${key}"`;
        return [issue('value', resourceType, `There is a control character or broken Unicode in ${where}`)];
      }
    }
  }
  return [];
}

/** R4's deepest everyday resource, a nested Questionnaire, needs about 20. Arrays count as a level. */
const DEPTH_MAX = 64;

/** About a second of work; the largest resource of everyday care has some hundreds. */
const OBJECTS_MAX = 20_000;

/** What may be shown of a property's name: anything else might be a person's words in the wrong place. */
export const isElementName = (key: string): boolean => /^_?[a-z][A-Za-z]{0,63}$/.test(key);

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what R4 (datatypes, string) forbids
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

const isText = (value: string): boolean => !CONTROL.test(value) && value.isWellFormed();
