import { type InternalSchemaElement, tryGetDataType } from '@medplum/core';

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
}

/** The JSON properties of a loaded type by their name; undefined for a type that is not loaded. */
export function propertiesOf(type: string): ReadonlyMap<string, Property> | undefined {
  const known = cache.get(type);
  if (known) return known;
  const schema = tryGetDataType(type);
  if (!schema) return undefined;
  const properties = new Map<string, Property>();
  for (const [name, element] of Object.entries(schema.elements)) addProperties(properties, name, element);
  cache.set(type, properties);
  return properties;
}

/** Definitions never change while a process runs. */
const cache = new Map<string, ReadonlyMap<string, Property>>();

function addProperties(
  properties: Map<string, Property>,
  name: string,
  element: InternalSchemaElement,
): void {
  const choice = name.endsWith('[x]');
  const base = choice ? name.slice(0, -3) : name;
  for (const { code, targetProfile } of element.type) {
    properties.set(choice ? base + code.charAt(0).toUpperCase() + code.slice(1) : base, {
      type: code,
      primitive: PRIMITIVES.get(code),
      array: element.isArray === true,
      name: base,
      choice,
      requiredValueSet: element.binding?.strength === 'required' ? element.binding.valueSet : undefined,
      targets: targetsOf(targetProfile),
    });
  }
}

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
