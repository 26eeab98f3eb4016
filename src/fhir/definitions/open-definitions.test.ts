import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryGetDataType } from '@medplum/core';
import { definitions } from '../../../test/support/definitions.ts';
import { ensureDistilled } from './open-definitions.ts';

test('the resource types are the 146 concrete ones of R4, and no other', () => {
  assert.equal(definitions.resourceTypes.size, 146);
  for (const type of ['Patient', 'Observation', 'VisionPrescription', 'Binary', 'Parameters']) {
    assert.ok(definitions.resourceTypes.has(type), type);
  }
  // Abstract, R4B, logical, and the additions of the package the definitions come from.
  for (const type of [
    'Resource',
    'DomainResource',
    'SubscriptionStatus',
    'MetadataResource',
    'Project',
    'Bot',
  ]) {
    assert.ok(!definitions.resourceTypes.has(type), type);
  }
});

test('every standard search parameter that can be indexed has a path to its values', () => {
  const without: string[] = [];
  for (const type of definitions.resourceTypes) {
    for (const parameter of definitions.searchParameters(type)) {
      const indexable = parameter.type !== 'composite' && parameter.type !== 'special';
      if (indexable && parameter.paths.length === 0) without.push(type + '.' + parameter.code);
    }
  }
  assert.deepEqual(without, []);
});

test('a type has its own search parameters and those of every resource', () => {
  const codes = definitions.searchParameters('Observation').map((parameter) => parameter.code);
  for (const code of [
    '_id',
    '_lastUpdated',
    '_tag',
    'category',
    'code',
    'date',
    'patient',
    'subject',
    'status',
  ]) {
    assert.ok(codes.includes(code), code);
  }
  assert.ok(!codes.includes('birthdate'));
  assert.deepEqual(definitions.searchParameters('Nonsense'), []);
  assert.deepEqual(definitions.searchParameters('constructor'), []);
  assert.equal(definitions.searchParameter('toString', 'code'), undefined);
});

test('a choice of types becomes one path for each type', () => {
  const date = definitions.searchParameter('Observation', 'date');
  assert.deepEqual(
    date?.paths.map(({ steps, type }) => [steps.map((step) => step[1]).join('.'), type]),
    [
      ['effectiveDateTime', 'dateTime'],
      ['effectivePeriod', 'Period'],
      ['effectiveTiming', 'Timing'],
      ['effectiveInstant', 'instant'],
    ],
  );
});

test('a bare code knows the system that goes without saying', () => {
  const gender = definitions.searchParameter('Patient', 'gender');
  assert.deepEqual(gender?.impliedSystems, ['http://hl7.org/fhir/administrative-gender']);
  assert.equal(definitions.searchParameter('Observation', 'code')?.impliedSystems, undefined);
});

test('required value sets are complete, and those without a finite list are left out', () => {
  const gender = definitions.requiredCodes('http://hl7.org/fhir/ValueSet/administrative-gender');
  assert.deepEqual([...(gender?.codes ?? [])].sort(), ['female', 'male', 'other', 'unknown']);
  assert.ok(gender?.systemAndCodes.has('http://hl7.org/fhir/administrative-gender|male'));
  const status = definitions.requiredCodes('http://hl7.org/fhir/ValueSet/observation-status');
  assert.equal(status?.codes.size, 8);
  assert.equal(definitions.requiredCodes('http://hl7.org/fhir/ValueSet/mimetypes'), undefined);
});

test('the patient compartment says by which parameters a type belongs to it', () => {
  assert.deepEqual(definitions.patientCompartment.get('Observation'), ['subject', 'performer']);
  assert.equal(definitions.patientCompartment.get('Location'), undefined);
});

test('types are loaded by name only: neither a stranger nor a path is opened', () => {
  definitions.load('Observation');
  assert.ok(tryGetDataType('ObservationComponent'));
  definitions.load('../data-types');
  definitions.load('NoSuchType');
  assert.equal(tryGetDataType('NoSuchType'), undefined);
});

test('where the installed packages are read-only the definitions go to the next folder, once, whoever asks', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'definitions-'));
  try {
    const file = join(parent, 'not-a-folder');
    await writeFile(file, '');
    const cache = join(parent, 'cache');
    const unusable = join(file, 'cache');
    const both = await Promise.all([ensureDistilled([unusable, cache]), ensureDistilled([unusable, cache])]);
    assert.equal(both[0], both[1]);
    assert.equal((await readdir(cache)).length, 1, 'what was written aside is gone');
    const made = await stat(both[0]);
    assert.equal(await ensureDistilled([unusable, cache]), both[0]);
    assert.equal((await stat(both[0])).ctimeMs, made.ctimeMs);
    await assert.rejects(ensureDistilled([unusable]), /need a folder that can be written/);
  } finally {
    await rm(parent, { recursive: true });
  }
});
