/** Puts ids in place of the names under which entries of a transaction refer to each other, wherever they stand. */
export function replaceReferences(value: unknown, ids: ReadonlyMap<string, string>): void {
  if (ids.size === 0) return;
  const todo = [value];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one !== 'object' || one === null) continue;
    const object = one as Record<string, unknown>;
    for (const key in object) {
      const child = object[key];
      if (typeof child === 'object') todo.push(child);
      else if (NAMING.has(key) && typeof child === 'string') object[key] = ids.get(child) ?? child;
    }
  }
}

/** An attachment's address is a name as well (R4 section 3.1.0.11.4). */
const NAMING = new Set(['reference', 'url']);
