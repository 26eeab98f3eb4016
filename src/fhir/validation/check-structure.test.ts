import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateResource as checkAgainstSchema } from '@medplum/core';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { definitions } from '../../../test/support/definitions.ts';
import { randomResource } from '../../../test/support/random-resource.ts';
import { ukCoreResources } from '../../../test/support/uk-core.ts';
import { checkStructure } from './check-structure.ts';

/*
 * What the walk calls plain is not shown to the engine. So the engine must have nothing to say about it, whatever is
 * sent: each is asked about the same resources here, and about each with something taken away or put amiss.
 */

type Json = Record<string, unknown>;

const isPlain = (resource: Json) =>
  checkStructure(definitions, resource, resource.resourceType as string).plain;

function engineRefuses(resource: Json): boolean {
  try {
    checkAgainstSchema(resource as unknown as Resource, { base64BinaryMaxBytes: 2 ** 25 });
    return false;
  } catch {
    return true;
  }
}

const counts = { plain: 0, refused: 0 };

function hold(resource: Json): void {
  const plain = isPlain(resource);
  const refused = engineRefuses(resource);
  counts.plain += plain ? 1 : 0;
  counts.refused += refused ? 1 : 0;
  assert.ok(!(plain && refused), JSON.stringify(resource));
}

/** Every object of a tree, with a way to put one of its properties otherwise. */
function* places(value: unknown): Generator<[object: Json, key: string]> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield [value as Json, key];
    yield* places((value as Json)[key]);
  }
}

const AMISS: unknown[] = [
  undefined,
  '',
  ' ',
  'a  b',
  ' a',
  '2023-02-30',
  '\u00a0',
  1.5,
  -1,
  2 ** 31,
  0,
  'x',
  true,
  {},
];

/** The resource as it is, and with each of its values left out or put amiss in turn. */
function holdAround(resource: Json, chance: () => number): void {
  hold(resource);
  const copy = structuredClone(resource);
  for (const [object, key] of [...places(copy)]) {
    if (key === 'resourceType') continue;
    const before = object[key];
    const after = AMISS[Math.floor(chance() * AMISS.length)];
    if (after === undefined) Array.isArray(object) ? object.splice(Number(key), 1) : delete object[key];
    else object[key] = after;
    hold(copy);
    if (after === undefined && Array.isArray(object)) object.splice(Number(key), 0, before);
    else object[key] = before;
  }
}

test('the engine finds nothing in what is called plain, among resources made at random', () => {
  const types = [...definitions.resourceTypes];
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.nat(),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (type, seed, stream) => {
        const resource = randomResource(definitions, type, seed);
        holdAround(resource, () => stream.next().value);
      },
    ),
    { numRuns: Number(process.env.PLAIN_RUNS ?? 60) },
  );
});

test('the engine finds nothing in what is called plain, among what published examples can be turned into', () => {
  let place = 0;
  const examples = ukCoreResources();
  for (const { resource } of examples) holdAround(resource, () => (place++ % 97) / 97);
  const plain = examples.filter(({ resource }) => isPlain(resource)).length;
  assert.ok(plain > examples.length / 2, `${plain} of ${examples.length}`);
  // Both were there to be told apart, whatever chance made of the resources above.
  assert.ok(counts.plain > 50 && counts.refused > 50, JSON.stringify(counts));
});

test('a resource of everyday care is plain, so that it is checked in microseconds', () => {
  const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
  const subject = { reference: 'Patient/1' };
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    category: [coded('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs')],
    code: coded('http://loinc.org', '85354-9'),
    subject,
    effectiveDateTime: '2026-03-14T08:30:00Z',
    component: [{ code: coded('http://loinc.org', '8480-6'), valueQuantity: { value: 134, unit: 'mmHg' } }],
    referenceRange: [{ text: 'below 140' }],
  };
  const condition = {
    resourceType: 'Condition',
    clinicalStatus: coded('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active'),
    verificationStatus: coded('http://terminology.hl7.org/CodeSystem/condition-ver-status', 'confirmed'),
    subject,
  };
  const patient = {
    resourceType: 'Patient',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9000000009' }],
    name: [{ family: 'Smith', given: ['Jane'] }],
    birthDate: '1980-02-29',
    extension: [{ url: 'http://example.org/x', valueString: 'y' }],
  };
  for (const resource of [observation, condition, patient]) {
    assert.ok(isPlain(resource), resource.resourceType);
    assert.ok(!engineRefuses(resource));
  }
});
