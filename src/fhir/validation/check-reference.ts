import type { Definitions } from '../definitions/definitions.ts';
import { type Issue, issue } from './issue.ts';

/**
 * A literal reference (R4 section 2.3.0.1) is `Type/id`, with or without a version, of a type that the element
 * may point to; an absolute http(s) address; a `urn:uuid:` or `urn:oid:`; or `#id` of a contained resource.
 */
export function checkReference(
  value: Record<string, unknown>,
  targets: ReadonlySet<string> | undefined,
  path: string,
  { definitions, containedIds }: { definitions: Definitions; containedIds: ReadonlySet<unknown> },
): Issue[] {
  const { reference, type } = value;
  if (typeof reference !== 'string') return [];
  const where = path + '.reference';
  if (reference.startsWith('#')) {
    const known = reference === '#' || containedIds.has(reference.slice(1));
    return known ? [] : [issue('invariant', where, 'ref-1: no contained resource has this id')];
  }
  if (ABSOLUTE.test(reference)) return [];
  if (BARE_ID.test(reference) && !definitions.resourceTypes.has(reference)) return [];
  const target = RELATIVE.exec(reference)?.[1];
  if (!target)
    return [issue('value', where, 'Must be Type/id, an absolute address, urn:uuid:, urn:oid: or #id')];
  if (!definitions.resourceTypes.has(target)) {
    return [issue('value', where, 'Points to a type that is not a resource type of FHIR R4')];
  }
  if (targets && !targets.has(target)) {
    return [issue('value', where, `May only point to ${[...targets].join(', ')}`)];
  }
  if (typeof type === 'string' && type !== target) {
    return [issue('value', path + '.type', 'Is not the type that the reference names')];
  }
  return [];
}

const ABSOLUTE =
  /^(https?:\/\/[^\s/]+\S*|urn:oid:[0-2](\.(0|[1-9]\d*))+|urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

/** No resource lies at such an address, yet published UK Core examples have it; it is kept as written and not indexed. */
const BARE_ID = /^[A-Za-z0-9\-.]{1,64}$/;

const RELATIVE = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
