import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { permissionsOf } from '../oauth/scopes.ts';
import {
  notGranted,
  permissionChoices,
  permissionsInWords,
  typesOf,
  withUse,
} from './permissions-in-words.ts';

const scope = fc
  .tuple(
    fc.constantFrom('*', 'Patient', 'Observation', 'DocumentReference'),
    fc.subarray(['c', 'r', 'u', 'd', 's'], { minLength: 1 }),
  )
  .map(([type, letters]) => `system/${type}.${letters.join('')}`);
const operation = fc.constantFrom(
  'system/Patient.$status-query',
  'system/DocumentReference.$read-receipt-query',
);
const scopes = fc.array(fc.oneof({ weight: 4, arbitrary: scope }, operation), { maxLength: 6 });
const scopesIn = (words: { scope: string }[]) => words.map((each) => each.scope);

describe('permissions in words', () => {
  it('lists exactly what the scopes give, each with its words', () => {
    fc.assert(
      fc.property(scopes, (held) => {
        const words = permissionsInWords(held);
        assert.deepEqual(permissionsOf(scopesIn(words)), permissionsOf(held));
        assert.ok(words.every(({ title }) => title.length > 3 && title !== 'Nothing'));
      }),
    );
  });

  it('offers choices that are the registration when all are taken', () => {
    fc.assert(
      fc.property(scopes, (registered) => {
        assert.deepEqual(permissionsOf(scopesIn(permissionChoices(registered))), permissionsOf(registered));
      }),
    );
  });

  it('tells apart what was granted and what was not, and both together are what was asked for', () => {
    fc.assert(
      fc.property(scopes, fc.infiniteStream(fc.boolean()), (registered, ticks) => {
        const granted = scopesIn(permissionChoices(registered)).filter(() => ticks.next().value);
        const left = permissionsOf(scopesIn(notGranted(registered, granted)));
        const given = permissionsOf(granted);
        assert.ok(left.every((permission) => !given.includes(permission)));
        assert.deepEqual(
          permissionsOf([...granted, ...scopesIn(notGranted(registered, granted))]),
          permissionsOf(registered),
        );
      }),
    );
  });

  it('lets looking and changing be given apart', () => {
    assert.deepEqual(
      scopesIn(permissionChoices(['system/Observation.cruds', 'system/Patient.$status-query'])),
      ['system/Observation.rs', 'system/Observation.cud', 'system/Patient.$status-query'],
    );
  });

  it('names the types that scopes touch', () => {
    assert.deepEqual(typesOf(['system/Patient.rs', 'system/Patient.$status-query', 'system/Observation.c']), [
      'Observation',
      'Patient',
    ]);
    assert.deepEqual(typesOf(['system/*.r', 'nonsense']), ['*']);
  });

  it('says of each choice when it was used and whether push needs it, a wildcard for all its types', () => {
    const at = new Date('2026-11-01T10:00:00Z');
    const uses = withUse(
      ['system/Observation.rs', 'system/Observation.cud', 'system/*.rs', 'system/Condition.rs'].map(
        (scope) => ({
          scope,
        }),
      ),
      new Map([['Observation.s', at]]),
      ['Condition.r'],
    );
    assert.deepEqual(
      uses.map(({ lastUsed, forPush, unused }) => [lastUsed, forPush, unused]),
      [
        [at, false, false],
        [null, false, true],
        [at, true, false],
        [null, true, false],
      ],
    );
  });
});
