import { RESOURCE_TYPES } from './resource-types.ts';

/**
 * Scopes are SMART App Launch 2 system scopes, `system/Observation.rs`, and one for each of our operations,
 * `system/Patient.$status-query`. What decides is their spelled-out form, **permissions**: `Observation.r`,
 * `Observation.s`, `*.r` (any type), `Patient.$status-query`. `*` never stands for an operation.
 */
export const OPERATIONS = [
  'Patient.$process-message',
  'Patient.$register',
  'Patient.$status-query',
  'Patient.$date-of-last-data-point',
  'Patient.$launch',
  'Organization.$generate-invitation-tokens',
  'DocumentReference.$read-receipt-query',
] as const;

/**
 * The permissions one scope gives, or undefined when it is none that this service knows: another context than
 * `system/`, an unknown type or operation, letters out of order, or a condition (`?category=…`), which is not
 * supported and must not be taken for the wider scope without it. SMART 1 forms (`.read`, `.write`, `.*`) are
 * read as SMART 2 says they mean.
 */
export function parseScope(scope: string): string[] | undefined {
  const match = /^system\/([A-Za-z]+|\*)\.(.+)$/.exec(scope);
  const [, type = '', access = ''] = match ?? [];
  if (OPERATION_SET.has(`${type}.${access}`)) return [`${type}.${access}`];
  if (type !== '*' && !TYPES.has(type)) return undefined;
  const letters = SMART_1[access] ?? (/^c?r?u?d?s?$/.test(access) ? access : undefined);
  return letters ? [...letters].map((letter) => `${type}.${letter}`) : undefined;
}

/** What scopes give together, each permission once, none that a wildcard already gives. Unknown scopes give nothing. */
export function permissionsOf(scopes: readonly string[]): string[] {
  return reduce(scopes.flatMap((scope) => parseScope(scope) ?? []));
}

/** Exactly what both give, in canonical form: `*` and `Observation` make `Observation`, `rs` and `cr` make `r`. */
export function narrow(asked: readonly string[], allowed: readonly string[]): string[] {
  const left = permissionsOf(asked);
  const right = permissionsOf(allowed);
  const both = [...left.filter(gives(right)), ...right.filter(gives(left))];
  return scopesOf(both);
}

/** The shortest scopes for these permissions: one a type with its letters in order, wildcard first, operations last. */
export function scopesOf(permissions: readonly string[]): string[] {
  const byType = new Map<string, string>();
  const operations: string[] = [];
  for (const permission of reduce(permissions)) {
    const { type, access } = split(permission);
    if (access.startsWith('$')) operations.push(`system/${permission}`);
    else byType.set(type, (byType.get(type) ?? '') + access);
  }
  return [...[...byType].map(([type, letters]) => `system/${type}.${letters}`), ...operations];
}

const LETTERS = 'cruds';
const TYPES = new Set(RESOURCE_TYPES);
const OPERATION_SET = new Set<string>(OPERATIONS);
const SMART_1: Record<string, string | undefined> = {
  __proto__: null as never,
  read: 'rs',
  write: 'cud',
  '*': LETTERS,
};

/** Whether a list gives a permission, itself or by its wildcard. */
function gives(permissions: readonly string[]): (permission: string) => boolean {
  const held = new Set(permissions);
  return (permission) => held.has(permission) || held.has(`*.${split(permission).access}`);
}

function reduce(permissions: readonly string[]): string[] {
  const held = new Set(permissions);
  return [...held]
    .filter((permission) => permission.startsWith('*') || !held.has(`*.${split(permission).access}`))
    .sort(canonically);
}

function split(permission: string) {
  const dot = permission.indexOf('.');
  return { type: permission.slice(0, dot), access: permission.slice(dot + 1) };
}

function canonically(left: string, right: string): number {
  const [a, b] = [split(left), split(right)];
  // '*' sorts before every letter of a type's name; '$' is no letter, so operations come first of their type.
  if (a.type !== b.type) return a.type < b.type ? -1 : 1;
  const byLetter = LETTERS.indexOf(a.access) - LETTERS.indexOf(b.access);
  return byLetter || (a.access < b.access ? -1 : Number(a.access > b.access));
}
