import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';

/** A StructureDefinition with nothing in it but what validation and FHIRPath read: about a tenth of the original. */
export function distilStructure(sd: StructureDefinition): object {
  return {
    resourceType: sd.resourceType,
    url: sd.url,
    name: sd.name,
    kind: sd.kind,
    abstract: sd.abstract,
    type: sd.type,
    snapshot: { element: sd.snapshot?.element?.map(distilElement) },
  };
}

/** The published bundle also holds a few R4B resources and logical models; those are not ours to store. */
export function isConcreteR4Resource(sd: StructureDefinition): boolean {
  return sd.kind === 'resource' && sd.abstract !== true && sd.fhirVersion === '4.0.1';
}

/**
 * Invariants that are left out, because the validation folder holds them in another way or nothing would be lost:
 * `ele-1` is the shape of JSON, `ref-1` a set of contained ids, `txt-1` and `txt-2` the narrative; `per-1`, `mdd-1` and
 * `inv-1` compare points in time, which the engine does as text. The last two lines compare every element with every
 * other or walk the tree for each element, which would let a large body stop the server: bdl-7, csd-1 and que-2 are
 * held with sets, the rest concern definitions and not patients. `dom-3` and `org-1` the engine leaves out itself.
 */
const HELD_ELSEWHERE = new Set([
  ...['ele-1', 'ref-1', 'txt-1', 'txt-2', 'per-1', 'mdd-1', 'inv-1', 'dom-3', 'org-1', 'sdf-19'],
  ...['bdl-7', 'csd-1', 'que-2', 'sdf-1', 'sdf-8', 'sdf-8a', 'sdf-16', 'sdf-17', 'ig-1', 'ig-2'],
  ...['cpb-7', 'cpb-9', 'cpb-12', 'nsd-2', 'eld-13', 'eld-14'],
]);

const KEPT = ['id', 'path', 'min', 'max', 'base', 'contentReference', 'sliceName', 'slicing'] as const;

function distilElement(element: ElementDefinition): object {
  const kept: Record<string, unknown> = {};
  for (const key of KEPT) if (element[key] !== undefined) kept[key] = element[key];
  for (const [key, value] of Object.entries(element)) {
    if (/^(fixed|pattern)[A-Z]/.test(key)) kept[key] = value;
  }
  kept.type = element.type?.map(({ code, targetProfile, extension }) => ({ code, targetProfile, extension }));
  if (element.binding?.strength === 'required') {
    kept.binding = { strength: 'required', valueSet: element.binding.valueSet?.split('|')[0] };
  }
  kept.constraint = element.constraint
    ?.filter((constraint) => constraint.severity === 'error' && !HELD_ELSEWHERE.has(constraint.key ?? ''))
    .map(({ key, severity, expression, human }) => ({ key, severity, expression, human }));
  return kept;
}
