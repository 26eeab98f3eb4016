import type { CodeSystem, CodeSystemConcept, StructureDefinition, ValueSet } from '@medplum/fhirtypes';

/** value set url → code system url → codes */
export type DistilledValueSets = Record<string, Record<string, string[]>>;

/**
 * The complete codes of every value set that a required binding names. A set that has no finite list (media types,
 * languages: their code systems are grammars) is left out, and its codes are then checked only for their form.
 */
export function distilValueSets(
  structures: StructureDefinition[],
  terminology: (ValueSet | CodeSystem)[],
): DistilledValueSets {
  const byUrl = new Map(
    terminology.map((resource) => [resource.resourceType + ' ' + resource.url, resource]),
  );
  const distilled: DistilledValueSets = {};
  for (const url of requiredValueSets(structures)) {
    const codes = codesOf(byUrl.get('ValueSet ' + url) as ValueSet | undefined, byUrl);
    if (codes) distilled[url] = codes;
  }
  return distilled;
}

function requiredValueSets(structures: StructureDefinition[]): Set<string> {
  const urls = structures.flatMap((sd) =>
    (sd.snapshot?.element ?? [])
      .filter((element) => element.binding?.strength === 'required')
      .map((element) => element.binding?.valueSet?.split('|')[0] ?? ''),
  );
  return new Set(urls.filter(Boolean));
}

function codesOf(
  valueSet: ValueSet | undefined,
  byUrl: Map<string, ValueSet | CodeSystem>,
): Record<string, string[]> | undefined {
  if (!valueSet?.compose?.include || valueSet.compose.exclude) return undefined;
  const codes: Record<string, string[]> = {};
  for (const include of valueSet.compose.include) {
    if (!include.system || include.filter || include.valueSet) return undefined;
    const system = byUrl.get('CodeSystem ' + include.system) as CodeSystem | undefined;
    if (!include.concept && system?.content !== 'complete') return undefined;
    const listed = include.concept?.map((concept) => concept.code ?? '') ?? flatten(system?.concept ?? []);
    codes[include.system] = [...(codes[include.system] ?? []), ...listed];
  }
  return codes;
}

function flatten(concepts: CodeSystemConcept[]): string[] {
  return concepts.flatMap((concept) => [concept.code ?? '', ...flatten(concept.concept ?? [])]);
}
