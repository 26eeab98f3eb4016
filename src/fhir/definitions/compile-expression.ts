import type { ElementDefinition } from '@medplum/fhirtypes';
import type { SearchPath, SearchStep } from './definitions.ts';
import type { Expression } from './parse-expression.ts';

/** Element definitions of every R4 type by their path, such as `Patient.name` or `HumanName.family`. */
export type ElementsByPath = ReadonlyMap<string, ElementDefinition>;

/**
 * Turns an expression into plain property accesses for one resource type, with the data type found at the end of
 * each: a choice such as `Observation.effective` becomes `effectiveDateTime`, `effectivePeriod` and so on.
 * Parts of a union that begin at another resource type are dropped.
 */
export function compileExpression(
  expression: Expression,
  resourceType: string,
  elements: ElementsByPath,
): SearchPath[] {
  return places(expression).map(({ steps, type }) => ({ steps, type }));

  function places(part: Expression): Place[] {
    switch (part.kind) {
      case 'root':
        return root(part.name);
      case 'union':
        return part.of.flatMap(places);
      case 'child':
        return places(part.of).flatMap((place) => children(place, part.name));
      case 'ofType':
        return places(part.of).filter((place) => place.type === part.type);
      case 'equals':
        return places(part.of).map((place) => extend(place, ['equals', part.name, part.value]));
      case 'refers':
        return places(part.of)
          .filter((place) => place.type === 'Reference')
          .map((place) => extend(place, ['refers', part.type]));
      case 'at':
        return places(part.of).map((place) => extend(place, ['at', part.index]));
      case 'truth':
        return truth(places(part.of));
    }
  }

  function root(name: string): Place[] {
    const here: Place = { steps: [], type: resourceType, at: resourceType };
    if ([resourceType, 'Resource', 'DomainResource'].includes(name)) return [here];
    // InsurancePlan's `name | alias` begins at an element, not at a type.
    return /^[a-z]/.test(name) ? children(here, name) : [];
  }

  function children(parent: Place, name: string): Place[] {
    const single = elements.get(parent.at + '.' + name);
    const found = single ?? elements.get(parent.at + '.' + name + '[x]');
    if (!found) return [];
    const referred = found.contentReference?.replace(/^.*#/, '');
    if (referred) return [{ ...extend(parent, ['get', name]), type: 'BackboneElement', at: referred }];
    return (found.type ?? []).map((option) => {
      const type = typeName(option);
      const key = single ? name : name + type.charAt(0).toUpperCase() + type.slice(1);
      const inline = type === 'BackboneElement' || type === 'Element';
      return { ...extend(parent, ['get', key]), type, at: inline ? (found.path ?? '') : type };
    });
  }
}

interface Place {
  steps: SearchStep[];
  type: string;
  /** The path under which the children of this place are defined. */
  at: string;
}

const extend = (place: Place, step: SearchStep): Place => ({ ...place, steps: [...place.steps, step] });

/** `id`, `url` and the like carry their FHIR type in an extension, and a FHIRPath system type as their code. */
function typeName(option: NonNullable<ElementDefinition['type']>[number]): string {
  const fhirType = option.extension?.find((extension) =>
    extension.url?.endsWith('structuredefinition-fhir-type'),
  );
  return fhirType?.valueUrl ?? option.code ?? '';
}

function truth(options: Place[]): Place[] {
  const keys = options.map((place) => String(place.steps.at(-1)?.[1]));
  return options.length > 0 ? [{ steps: [['truth', ...keys]], type: 'boolean', at: 'boolean' }] : [];
}
