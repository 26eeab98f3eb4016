import { compileInvariant, type Known } from './surely-holds.ts';

/** Whether every one of the invariants of a type surely holds for a value. */
export function holds(
  invariants: readonly string[] | undefined,
  type: string,
  value: Record<string, unknown>,
): boolean {
  if (!invariants || invariants.length === 0) return true;
  let compiled = cache.get(invariants);
  if (!compiled) {
    compiled = invariants.map((expression) => compileInvariant(expression, type));
    cache.set(invariants, compiled);
  }
  return compiled.every((ask) => ask(value) === true);
}

/** By the list itself, of which each element of a definition has one. */
const cache = new WeakMap<readonly string[], ((value: Record<string, unknown>) => Known)[]>();
