import { inPlainWords } from '../oauth/scope-words.ts';
import { narrow, permissionsOf, scopesOf } from '../oauth/scopes.ts';

export type PermissionWords = { scope: string; title: string; detail: string };

/** Each of these scopes in words that a person who knows no FHIR understands. */
export function permissionsInWords(scopes: readonly string[]): PermissionWords[] {
  return scopesOf(permissionsOf(scopes)).map((scope) => ({ scope, ...inPlainWords(scope) }));
}

/**
 * The parts of a registration that can be given or left out one by one: looking and changing apart for each
 * kind of record, and each operation. Together they are the registration.
 */
export function permissionChoices(scopes: readonly string[]): PermissionWords[] {
  return permissionsInWords(scopes).flatMap(({ scope }) =>
    apart(scope).map((part) => ({ scope: part, ...inPlainWords(part) })),
  );
}

/** What of a registration was not granted. */
export function notGranted(registered: readonly string[], granted: readonly string[]): PermissionWords[] {
  const left = permissionChoices(registered).filter(({ scope }) => narrow([scope], granted).join() !== scope);
  return permissionsInWords(left.map(({ scope }) => scope));
}

/**
 * Each choice with when it was last made use of, and whether push needs it: any part of it counts, and under a wildcard so
 * does any type.
 * @param lastUsed by permission: `Observation.r` @param forPush permissions that subscriptions need
 */
export function withUse<Choice extends { scope: string }>(
  choices: readonly Choice[],
  lastUsed: ReadonlyMap<string, Date>,
  forPush: readonly string[],
): (Choice & { lastUsed: Date | null; forPush: boolean; unused: boolean })[] {
  return choices.map((choice) => {
    const permissions = new Set(permissionsOf([choice.scope]));
    const covers = (used: string) =>
      permissions.has(used) || permissions.has(`*${used.slice(used.indexOf('.'))}`);
    const uses = [...lastUsed].filter(([used]) => covers(used));
    const latest = uses.map(([, at]) => at).sort((a, b) => b.getTime() - a.getTime())[0] ?? null;
    const needed = forPush.some(covers);
    return { ...choice, lastUsed: latest, forPush: needed, unused: latest === null && !needed };
  });
}

/** The types of record that scopes touch; '*' for every type. */
export function typesOf(scopes: readonly string[]): string[] {
  const types = permissionsOf(scopes).map((permission) => permission.slice(0, permission.indexOf('.')));
  return [...new Set(types)];
}

function apart(scope: string): string[] {
  const [, type, access] = /^system\/([^.]+)\.([a-z]+)$/.exec(scope) ?? [];
  if (!type || !access) return [scope];
  const letters = (wanted: string) => [...access].filter((letter) => wanted.includes(letter)).join('');
  return [letters('rs'), letters('cud')].filter(Boolean).map((some) => `system/${type}.${some}`);
}
