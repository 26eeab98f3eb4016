import type { Definitions } from '../../src/fhir/definitions/definitions.ts';
import { type Property, propertiesOf } from '../../src/fhir/validation/properties-of.ts';

type Json = Record<string, unknown>;

/**
 * A resource with a random part of what its R4 definition allows, the same for the same seed. Every element has a
 * value of its own type; cardinality and invariants are left to chance.
 */
export function randomResource(definitions: Definitions, resourceType: string, seed: number): Json {
  const random = generator(seed);
  const chance = (share: number) => random() < share;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  definitions.load(resourceType);
  return { resourceType, id: 'r' + seed, ...element(resourceType, 0) };

  function element(type: string, depth: number): Json {
    const made: Json = {};
    const chosen = new Set<string>();
    for (const [key, property] of propertiesOf(type) ?? []) {
      if (LEFT_OUT.has(property.name) || chosen.has(property.name)) continue;
      if (!chance(depth === 0 ? 0.6 : (property.choice ? 0.25 : 0.5) / depth)) continue;
      const one = () => value(property, depth);
      const found = property.array ? Array.from({ length: 1 + Math.floor(random() * 2) }, one) : one();
      if (found === undefined || (Array.isArray(found) && found.includes(undefined))) continue;
      if (property.choice) chosen.add(property.name);
      made[key] = found;
    }
    return made;
  }

  function value(property: Property, depth: number): unknown {
    if (property.primitive) return primitive(property);
    if (depth > 4 || property.type === 'Resource') return undefined;
    const made = element(property.type, depth + 1);
    // The FHIRPath engine only takes a quantity with a number for one.
    if (property.type === 'Quantity') made.value ??= 1.5;
    if (property.type === 'Reference') made.reference = reference(property);
    return Object.keys(made).length > 0 ? made : undefined;
  }

  function reference({ targets }: Property): string {
    const type = pick(targets ? [...targets] : ['Patient', 'Observation']);
    return pick([
      type + '/' + pick(['a', 'b', 'c-1']),
      'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
      '#inner',
    ]);
  }

  function primitive({ type, primitive, requiredValueSet }: Property): unknown {
    const codes = requiredValueSet && definitions.requiredCodes(requiredValueSet)?.codes;
    if (codes) return pick([...codes]);
    if (primitive === 'boolean') return chance(0.5);
    if (primitive === 'number')
      return type === 'decimal' ? Math.round(random() * 1e4) / 100 : 1 + Math.floor(random() * 99);
    const known = SAMPLES[type];
    return known ? pick(known) : pick(WORDS);
  }
}

const LEFT_OUT = new Set([
  'id',
  'contained',
  'extension',
  'modifierExtension',
  'meta',
  'text',
  'implicitRules',
  'resource',
]);

const WORDS = [
  'Smith',
  "O'Brien",
  'Łukasz Ømer',
  'a|b',
  'x,y',
  'St. John-Smythe',
  'éàü',
  'plain text',
  '100%',
  'phone',
];

const SAMPLES: Record<string, string[]> = {
  date: ['1999', '2020-02', '2024-02-29'],
  dateTime: ['2001', '2020-12', '2021-06-30', '2022-03-27T01:30:00+01:00', '2023-01-01T00:00:00.123Z'],
  instant: ['2020-01-01T00:00:00Z', '2022-10-30T01:59:59.5+13:00'],
  time: ['10:00:00'],
  uri: ['http://example.org/a', 'urn:oid:1.2.3'],
  url: ['http://example.org/b'],
  canonical: ['http://example.org/c|1.0', 'http://example.org/d'],
  oid: ['urn:oid:1.2.840'],
  uuid: ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
  base64Binary: ['aGVsbG8='],
  code: ['active', 'email', 'phone', 'depends-on'],
};

/** Mulberry32: small, and good enough to choose test values. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
