import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from './kinds-of-record.ts';
import { RESOURCE_TYPES } from './resource-types.ts';
import { inPlainWords } from './scope-words.ts';
import { OPERATIONS } from './scopes.ts';

test('an administrator reads what a system may do, not a code', () => {
  assert.equal(inPlainWords('system/Observation.rs').title, 'Read and search observations');
  assert.match(inPlainWords('system/Observation.rs').detail, /blood pressure, test results/i);
  assert.equal(
    inPlainWords('system/*.cruds').title,
    'Read, search, add, change and delete every kind of record',
  );
  assert.equal(inPlainWords('system/Condition.c').title, 'Add problems and diagnoses');
  assert.equal(inPlainWords('system/Patient.read').title, 'Read and search patients’ details');
});

test('every operation has words of its own', () => {
  const titles = OPERATIONS.map((operation) => inPlainWords(`system/${operation}`).title);
  assert.equal(new Set(titles).size, OPERATIONS.length);
  for (const title of titles) assert.doesNotMatch(title, /\$|undefined|Nothing/);
  assert.equal(
    inPlainWords('system/DocumentReference.$read-receipt-query').title,
    'See whether patients have read letters you sent',
  );
});

test('every R4 type can be said, each differently', () => {
  const words = RESOURCE_TYPES.map((type) => inPlainWords(`system/${type}.r`));
  assert.equal(new Set(words.map(({ title }) => title)).size, RESOURCE_TYPES.length);
  for (const { title, detail } of words) {
    assert.match(title, /^Read [a-z’]/);
    assert.match(detail, /^[A-Z].*\.$/);
  }
  assert.equal(inPlainWords('system/DeviceUseStatement.r').title, 'Read device use statements');
  assert.equal(inPlainWords('system/RiskEvidenceSynthesis.r').title, 'Read risk evidence syntheses');
  assert.equal(inPlainWords('system/BodyStructure.r').title, 'Read body structures');
});

test('words are kept only for types that exist', () => {
  for (const type of Object.keys(KINDS)) assert.ok(RESOURCE_TYPES.includes(type), type);
});

test('a permission that gives nothing says so', () => {
  for (const scope of ['openid', 'system/Observation.rs?code=x', '', 'system/Patient.$everything']) {
    assert.equal(inPlainWords(scope).title, 'Nothing');
  }
});
