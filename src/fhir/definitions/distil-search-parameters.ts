import type { SearchParameter as Published, StructureDefinition } from '@medplum/fhirtypes';
import { compileExpression, type ElementsByPath } from './compile-expression.ts';
import type { SearchParameter, SearchParameterType, SearchPath } from './definitions.ts';
import type { DistilledValueSets } from './distil-value-sets.ts';
import { parseExpression } from './parse-expression.ts';

/**
 * The standard search parameters by resource type, each with its compiled paths.
 * Left out: parameters without an expression (`_text`, `_content`, `_query`), and `phonetic`, which no plain text
 * comparison can honour.
 */
export function distilSearchParameters(
  published: Published[],
  structures: StructureDefinition[],
  valueSets: DistilledValueSets,
): Record<string, SearchParameter[]> {
  const elements: ElementsByPath = new Map(
    structures.flatMap((sd) => (sd.snapshot?.element ?? []).map((element) => [element.path ?? '', element])),
  );
  const resourceTypes = structures.filter((sd) => sd.kind === 'resource').map((sd) => sd.type ?? '');
  const distilled: Record<string, SearchParameter[]> = {};
  for (const type of resourceTypes) {
    distilled[type] = published
      .filter(
        (parameter) => parameter.expression && parameter.code !== 'phonetic' && appliesTo(parameter, type),
      )
      .map((parameter) => distilParameter(parameter, type))
      .sort((a, b) => (a.code < b.code ? -1 : 1));
  }
  return distilled;

  function distilParameter(parameter: Published, resourceType: string): SearchParameter {
    const expression = parameter.expression ?? '';
    const parsed = NOT_INDEXED.has(parameter.type ?? '') ? undefined : parseExpression(expression);
    const paths = parsed ? compileExpression(parsed, resourceType, elements) : [];
    return {
      code: parameter.code ?? '',
      type: parameter.type as SearchParameterType,
      expression,
      ...(parameter.target && { target: [...parameter.target] }),
      paths,
      ...(parameter.type === 'token' && impliedSystems(paths, resourceType, elements, valueSets)),
    };
  }
}

const NOT_INDEXED = new Set(['composite', 'special']);

function appliesTo(parameter: Published, resourceType: string): boolean {
  const bases: string[] = parameter.base ?? [];
  return bases.some((base) => base === resourceType || base === 'Resource' || base === 'DomainResource');
}

const BARE_TYPES = new Set(['code', 'boolean', 'string', 'uri', 'id', 'markdown']);

/** The code system of a boolean in a token search, R4 section 3.1.1.4.10. */
const SPECIAL_VALUES = 'http://hl7.org/fhir/special-values';

function impliedSystems(
  paths: SearchPath[],
  resourceType: string,
  elements: ElementsByPath,
  valueSets: DistilledValueSets,
): { impliedSystems?: string[] } {
  if (paths.length === 0 || !paths.every((path) => BARE_TYPES.has(path.type))) return {};
  const systems = paths.flatMap((path) => {
    if (path.type === 'boolean') return [SPECIAL_VALUES];
    const keys = path.steps.filter((step) => step[0] === 'get').map((step) => step[1]);
    const binding = elements.get([resourceType, ...keys].join('.'))?.binding;
    return Object.keys(valueSets[binding?.valueSet?.split('|')[0] ?? ''] ?? {});
  });
  return { impliedSystems: [...new Set(systems)] };
}
