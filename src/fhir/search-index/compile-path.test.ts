import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evalFhirPathTyped, toTypedValue } from '@medplum/core';
import fc from 'fast-check';
import { definitions } from '../../../test/support/definitions.ts';
import { randomResource } from '../../../test/support/random-resource.ts';
import { ukCoreResources } from '../../../test/support/uk-core.ts';
import type { SearchParameter } from '../definitions/definitions.ts';
import { compilePath } from './compile-path.ts';

type Json = Record<string, unknown>;

/** Compares what compiled paths read with what the FHIRPath engine makes of the published expression. */
function compare(resource: Json): number {
  const type = String(resource.resourceType);
  definitions.load(type);
  let compared = 0;
  for (const parameter of definitions.searchParameters(type)) {
    if (parameter.paths.length === 0) continue;
    assert.deepEqual(
      byPaths(parameter, resource),
      byEngine(parameter, resource),
      type + '.' + parameter.code,
    );
    compared += byEngine(parameter, resource).length;
  }
  return compared;
}

function byPaths(parameter: SearchParameter, resource: Json): string[] {
  const found = new Set<string>();
  for (const path of parameter.paths) {
    compilePath(path)(resource, (value) => found.add(JSON.stringify(value)));
  }
  return [...found].sort();
}

function byEngine(parameter: SearchParameter, resource: Json): string[] {
  // The engine knows a resource by its own type's name alone, and a union of its own drops quantities of like value.
  const values = parameter.expression
    .replace(/^Resource\./, `${resource.resourceType}.`)
    .split(' | ')
    .flatMap((member) => evalFhirPathTyped(member, [toTypedValue(resource)]));
  return [...new Set(values.map(({ value }) => JSON.stringify(value)))].sort();
}

test('compiled paths read what the FHIRPath engine reads in every UK Core example', () => {
  let compared = 0;
  for (const { resource } of ukCoreResources()) compared += compare(resource);
  assert.ok(compared > 800, `only ${compared} values`);
});

test('compiled paths read what the FHIRPath engine reads in every resource type', () => {
  let compared = 0;
  for (const type of definitions.resourceTypes) {
    for (let seed = 0; seed < 5; seed++) compared += compare(randomResource(definitions, type, seed));
  }
  assert.ok(compared > 4000, `only ${compared} values`);
});

test('compiled paths read what the FHIRPath engine reads in resources made at random', () => {
  fc.assert(
    fc.property(fc.constantFrom(...definitions.resourceTypes), fc.nat(), (type, seed) => {
      compare(randomResource(definitions, type, seed));
    }),
    { numRuns: 300 },
  );
});

test('a reference by address or by type alone also says what it points to', () => {
  const patients = compilePath({
    steps: [
      ['get', 'subject'],
      ['refers', 'Patient'],
    ],
    type: 'Reference',
  });
  const count = (subject: object) => {
    let found = 0;
    patients({ subject }, () => found++);
    return found;
  };
  assert.equal(count({ reference: 'https://example.org/fhir/Patient/1' }), 1);
  assert.equal(count({ reference: 'Patient/1/_history/2' }), 1);
  assert.equal(count({ type: 'Patient', identifier: { value: '1' } }), 1);
  assert.equal(count({ reference: 'Group/1' }), 0);
  assert.equal(count({ reference: 'https://example.org/Patient/1/Group/2' }), 0);
  assert.equal(count({ reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' }), 0);
});
