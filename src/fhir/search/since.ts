import type { Search } from './parse-search.ts';

/** The latest instant before which `_lastUpdated` leaves nothing. The condition itself stays. */
export function sinceOf({ conditions }: Pick<Search, 'conditions'>): string | null {
  let since: string | null = null;
  for (const condition of conditions) {
    const [only, ...others] = condition.kind === 'updated' ? condition.anyOf : [];
    if (!only || others.length > 0 || !FROM.has(only.prefix)) continue;
    const bound = AFTER.has(only.prefix) ? only.to : only.from;
    if (since === null || bound > since) since = bound;
  }
  return since;
}

const AFTER: ReadonlySet<string> = new Set(['gt', 'sa']);
const FROM: ReadonlySet<string> = new Set(['eq', 'ge', 'ap', ...AFTER]);
