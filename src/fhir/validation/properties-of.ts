import { type Constraint, type InternalSchemaElement, tryGetDataType } from '@medplum/core';

/** A JSON property that an element may have. */
export interface Property {
  /** Its data type, such as `Quantity` or `ObservationComponent`. */
  readonly type: string;
  readonly primitive: 'string' | 'number' | 'boolean' | undefined;
  readonly array: boolean;
  /** The element's own name: `value` for `valueQuantity`. */
  readonly name: string;
  readonly choice: boolean;
  readonly requiredValueSet: string | undefined;
  /** For references: the types it may point to; undefined is any. */
  readonly targets: ReadonlySet<string> | undefined;
  /** How many there may be, of an array. */
  readonly max: number;
  /** Invariants of the element, which the engine holds each value to. */
  readonly invariants: readonly string[];
  /** The definition asks for more than is said here. */
  readonly special: boolean;
}

export interface Shape {
  /** By the JSON property's name. */
  readonly properties: ReadonlyMap<string, Property>;
  /** Of each required element the properties of which one must be there. */
  readonly required: readonly (readonly string[])[];
  /** Invariants of a resource as a whole. */
  readonly invariants: readonly string[];
}

/** The JSON properties of a loaded type by their name; undefined for a type that is not loaded. */
export const propertiesOf = (type: string): ReadonlyMap<string, Property> | undefined =>
  shapeOf(type)?.properties;

/** What a loaded type consists of. */
export function shapeOf(type: string): Shape | undefined {
  const known = cache.get(type);
  if (known) return known;
  const schema = tryGetDataType(type);
  if (!schema) return undefined;
  const properties = new Map<string, Property>();
  const required: string[][] = [];
  for (const [name, element] of Object.entries(schema.elements)) {
    const keys = addProperties(properties, name, element);
    if (element.min > 0) required.push(keys);
  }
  const shape = { properties, required, invariants: expressionsOf(schema.constraints) };
  cache.set(type, shape);
  return shape;
}

/** Definitions never change while a process runs. */
const cache = new Map<string, Shape>();

function addProperties(
  properties: Map<string, Property>,
  name: string,
  element: InternalSchemaElement,
): string[] {
  const keys: string[] = [];
  const choice = name.endsWith('[x]');
  const base = choice ? name.slice(0, -3) : name;
  for (const { code, targetProfile } of element.type) {
    const key = choice ? base + code.charAt(0).toUpperCase() + code.slice(1) : base;
    keys.push(key);
    properties.set(key, {
      type: code,
      primitive: PRIMITIVES.get(code),
      array: element.isArray === true,
      name: base,
      choice,
      requiredValueSet: element.binding?.strength === 'required' ? element.binding.valueSet : undefined,
      targets: targetsOf(targetProfile),
      max: element.max,
      invariants: expressionsOf(element.constraints),
      special: Boolean(element.fixed || element.pattern || element.slicing?.slices.length),
    });
  }
  return keys;
}

const expressionsOf = (constraints: readonly Constraint[] | undefined): string[] =>
  (constraints ?? []).filter(({ severity }) => severity === 'error').map(({ expression }) => expression);

function targetsOf(profiles: string[] | undefined): ReadonlySet<string> | undefined {
  const names = (profiles ?? []).map((url) => url.slice(url.lastIndexOf('/') + 1));
  return names.length === 0 || names.includes('Resource') ? undefined : new Set(names);
}

const STRINGS = [
  ...['base64Binary', 'canonical', 'code', 'date', 'dateTime', 'id', 'instant', 'markdown', 'oid', 'string'],
  ...['time', 'uri', 'url', 'uuid', 'xhtml', 'http://hl7.org/fhirpath/System.String'],
];

const PRIMITIVES = new Map<string, 'string' | 'number' | 'boolean'>([
  ...STRINGS.map((type) => [type, 'string'] as const),
  ...['decimal', 'integer', 'positiveInt', 'unsignedInt'].map((type) => [type, 'number'] as const),
  ['boolean', 'boolean'],
]);
