import type { Call } from '../http/call.ts';

/** The addresses under which our own resources answer for this caller. */
export function ownBases(baseUrl: string, call: Pick<Call, 'base' | 'organisation'>): string[] {
  return [call.base, `${baseUrl}/fhir/R4`, `${baseUrl}/organisations/${call.organisation}/fhir/R4`].map(
    (base) => `${base}/`,
  );
}

/**
 * Makes literal references to our own resources relative, wherever they stand: what is stored reads the same at each
 * base. Others stay as they are; they are never followed.
 */
export function relativeReferences(value: unknown, bases: readonly string[]): void {
  const todo = [value];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one !== 'object' || one === null) continue;
    const object = one as Record<string, unknown>;
    for (const key in object) {
      const child = object[key];
      if (typeof child === 'object') todo.push(child);
      else if (key === 'reference' && typeof child === 'string') {
        const base = bases.find((address) => child.startsWith(address));
        if (base) object[key] = child.slice(base.length);
      }
    }
  }
}
