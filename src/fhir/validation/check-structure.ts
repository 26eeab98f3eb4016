import type { Definitions } from '../definitions/definitions.ts';
import { checkBinding } from './check-binding.ts';
import { isElementName } from './check-limits.ts';
import { checkNarrative } from './check-narrative.ts';
import { checkOrder } from './check-order.ts';
import { checkReference } from './check-reference.ts';
import { holds } from './holds.ts';
import { isPlain } from './is-plain.ts';
import { type Issue, issue } from './issue.ts';
import { type Property, shapeOf } from './properties-of.ts';

/**
 * Walks a resource beside its definition: unknown properties, the kind of every JSON value, one choice of a
 * `value[x]`, dates, required bindings, references, ids and narrative. Cardinality, the forms of values and invariants
 * are the engine's, which comes after; `plain` says that it would find nothing.
 */
export function checkStructure(definitions: Definitions, resource: JsonObject, type: string) {
  const issues: Issue[] = [];
  let plain = true;
  const containedIds = idsOf(resource.contained);
  walkResource(resource, type);
  plain &&= issues.length === 0 && holds(shapeOf(type)?.invariants, type, resource);
  return { issues, plain };

  function walkResource(value: JsonObject, path: string): void {
    const type = value.resourceType;
    if (typeof type !== 'string' || !definitions.resourceTypes.has(type)) {
      report(issue('structure', path + '.resourceType', 'Not a resource type of FHIR R4'));
      return;
    }
    if (
      value.id !== undefined &&
      (typeof value.id !== 'string' || !/^[A-Za-z0-9\-.]{1,64}$/.test(value.id))
    ) {
      report(issue('value', path + '.id', 'An id has 1 to 64 letters, digits, hyphens and full stops'));
    }
    definitions.load(type);
    walk(value, type, path, true);
  }

  function walk(value: JsonObject, type: string, path: string, isResource = false): void {
    const shape = shapeOf(type);
    if (!shape) {
      report(issue('structure', path, 'The type of this element is not known'));
      return;
    }
    const { properties, required } = shape;
    plain &&= required.every((keys) => keys.some((key) => value[key] !== undefined));
    checkOrder(value, type, path).forEach(report);
    const chosen = new Map<string, string>();
    for (const [key, child] of Object.entries(value)) {
      if (child === undefined || (key === 'resourceType' && isResource)) continue;
      const extended = key.startsWith('_');
      const property = properties.get(extended ? key.slice(1) : key);
      if (!property || (extended && !property.primitive)) {
        report(unknownProperty(path, key));
        continue;
      }
      if (property.choice && (chosen.get(property.name) ?? property.type) !== property.type) {
        report(
          issue('structure', `${path}.${property.name}`, `Only one type of ${property.name}[x] may be given`),
        );
      }
      chosen.set(property.name, property.type);
      // What is beside primitives is for the engine.
      plain &&= !extended && !property.special;
      if (extended) walkExtensions(child, property, `${path}.${property.name}`);
      else walkProperty(child, property, `${path}.${property.name}`, value['_' + key]);
    }
  }

  function walkProperty(value: unknown, property: Property, path: string, beside: unknown): void {
    if (Array.isArray(value) !== property.array) {
      report(issue('structure', path, property.array ? 'Must be a JSON array' : 'Must not be a JSON array'));
    } else if (!Array.isArray(value)) {
      walkValue(value, property, path);
    } else if (value.length === 0) {
      report(issue('structure', path, 'An array must not be empty'));
    } else {
      plain &&= value.length <= property.max;
      value.forEach((one, index) => {
        // R4 section 2.6.2.3: null holds the place of a primitive that has only extensions.
        const placeholder = one === null && property.primitive && Array.isArray(beside) && beside[index];
        if (!placeholder) walkValue(one, property, `${path}[${index}]`);
      });
    }
  }

  function walkValue(value: unknown, property: Property, path: string): void {
    if (property.primitive) {
      if (typeof value !== property.primitive) {
        report(issue('structure', path, `Must be a JSON ${property.primitive}`));
        return;
      }
      if (typeof value === 'string') checkText(value, property.type, path);
      plain &&= property.invariants.length === 0 && isPlain(value, property.type);
    } else if (!isObject(value) || Object.keys(value).length === 0) {
      report(issue('structure', path, 'Must be a JSON object that is not empty'));
      return;
    } else if (property.type === 'Resource') {
      walkResource(value, path);
    } else {
      walk(value, property.type, path);
      if (property.type === 'Reference') {
        checkReference(value, property.targets, path, { definitions, containedIds }).forEach(report);
      }
    }
    if (!property.primitive) plain &&= holds(property.invariants, property.type, value as JsonObject);
    const codes = property.requiredValueSet && definitions.requiredCodes(property.requiredValueSet);
    if (codes) checkBinding(value, property.type, codes, path).forEach(report);
  }

  function walkExtensions(value: unknown, property: Property, path: string): void {
    const elements = property.array ? value : [value];
    if (!Array.isArray(elements)) {
      report(issue('structure', path, 'Its extensions must be a JSON array'));
      return;
    }
    for (const element of elements) {
      if (isObject(element)) walk(element, 'Element', path);
      else if (element !== null || !property.array) {
        report(issue('structure', path, 'Its extensions must be JSON objects'));
      }
    }
  }

  function checkText(value: string, type: string, path: string): void {
    const form = DATE_FORMS[type];
    if (form && !form.test(value)) report(issue('value', path, `Not a FHIR ${type}`));
    if (type === 'xhtml') checkNarrative(value, path).forEach(report);
  }

  function report(found: Issue): void {
    // One issue too many is enough to know that there are too many.
    if (issues.length <= 50) issues.push(found);
  }
}

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function idsOf(contained: unknown): Set<unknown> {
  return new Set((Array.isArray(contained) ? contained : []).filter(isObject).map((resource) => resource.id));
}

function unknownProperty(path: string, key: string): Issue {
  return isElementName(key)
    ? issue('structure', `${path}.${key}`, 'There is no such element here in FHIR R4')
    : issue('structure', path, 'A property here has a name that no FHIR element has');
}

const YEAR = '(?!0000)\\d{4}';
const MONTH = '(0[1-9]|1[0-2])';
const DAY = '(0[1-9]|[12]\\d|3[01])';
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d{1,9})?';
const ZONE = '(Z|[+-]((0\\d|1[0-3]):[0-5]\\d|14:00))';

/** R4 datatypes: a time has seconds and a zone. The engine is more forgiving than the index can be. */
const DATE_FORMS: Record<string, RegExp> = {
  date: new RegExp(`^${YEAR}(-${MONTH}(-${DAY})?)?$`),
  dateTime: new RegExp(`^${YEAR}(-${MONTH}(-${DAY}(T${TIME}${ZONE})?)?)?$`),
  instant: new RegExp(`^${YEAR}-${MONTH}-${DAY}T${TIME}${ZONE}$`),
};
