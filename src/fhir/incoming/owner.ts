import { isUuid } from '../../ids.ts';
import { Refusal } from '../http/refusal.ts';
import { OWNERS, patientOf } from '../search-index/patient-of.ts';
import type { JsonObject } from '../store/content.ts';
import { NATIONAL_SYSTEMS } from '../store/national-identifiers.ts';

/**
 * The one patient that a resource is about; null when it is about none.
 * @throws {Refusal} when there are two, or a patient is named in a way that says nothing certain: kept under the
 * organisation alone, such a resource would be missing from its patient's record, and from the patient's choices.
 */
export function ownerOf(type: string, resource: JsonObject): string | null {
  const { patientIds } = patientOf(type, resource);
  const [patientId] = patientIds;
  if (patientIds.length > 1) throw new Refusal('patient-ambiguous');
  if (patientId !== undefined) {
    // No patient has any other kind of id; the answer is that of an id that nobody has.
    return isUuid(patientId) ? patientId : '00000000-0000-0000-0000-000000000000';
  }
  const contained = new Set(
    ((resource.contained ?? []) as JsonObject[])
      .filter(({ resourceType }) => resourceType === 'Patient')
      .map(({ id }) => `#${id}`),
  );
  for (const path of OWNERS[type] ?? []) {
    for (const reference of follow(resource, path.split('.'))) {
      if (isUncertain(reference as JsonObject | null, contained)) throw new Refusal('patient-ambiguous');
    }
  }
  return null;
}

function isUncertain(reference: JsonObject | null, contained: ReadonlySet<string>): boolean {
  if (!reference) return false;
  const address = typeof reference.reference === 'string' ? reference.reference : undefined;
  if (address !== undefined) return contained.has(address) || /(^|\/)Patient\//.test(address);
  const system = (reference.identifier as JsonObject | undefined)?.system;
  return reference.type === 'Patient' || (typeof system === 'string' && NATIONAL_SYSTEMS.has(system));
}

function follow(value: unknown, [key, ...rest]: string[]): unknown[] {
  if (key === undefined) return [value];
  const child = (value as JsonObject | null)?.[key];
  const children = child === undefined || child === null ? [] : [child].flat();
  return children.flatMap((one) => follow(one, rest));
}
