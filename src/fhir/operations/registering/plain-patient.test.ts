import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { testDefinitions } from '../../../../test/support/world.ts';
import type { Definitions } from '../../definitions/definitions.ts';
import { validateResource } from '../../validation/validate-resource.ts';
import { isDate, isPlainPatient } from './plain-patient.ts';

let definitions: Definitions;
before(async () => {
  definitions = await testDefinitions();
});

const PLAIN = {
  resourceType: 'Patient',
  identifier: [
    {
      extension: [
        {
          url: 'https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1',
          valueCodeableConcept: {
            coding: [{ system: 'https://fhir.hl7.org.uk/codes', code: '01', display: 'Verified' }],
          },
        },
      ],
      use: 'official',
      system: 'https://fhir.nhs.uk/Id/nhs-number',
      value: '9990000018',
    },
  ],
  active: true,
  name: [{ use: 'official', family: 'O’Brien-Ångström', given: ['Zoë', 'Mary Jane'], prefix: ['Dr'] }],
  telecom: [{ system: 'email', value: 'zoe@example.org', use: 'home' }],
  gender: 'female',
  birthDate: '1980-02-29',
  deceasedBoolean: false,
  address: [
    { use: 'home', type: 'both', line: ['1 High Street', 'Flat 2'], city: 'Town', postalCode: 'AB1 2CD' },
  ],
};

test('what registrations are made of is plain', () => {
  assert.equal(isPlainPatient(PLAIN), true);
  assert.deepEqual(validateResource(definitions, PLAIN, 'Patient'), []);
});

test('what is plain is valid, whatever values stand where', () => {
  const odd = fc.constantFrom<unknown>(
    ...[
      '',
      ' ',
      'a',
      ' a',
      'a\u0000',
      'a\nb',
      '\ud800',
      '1980-02-30',
      '1980-02',
      'urn:oid:1.2',
      'https://x/y z',
      'male',
      'email',
    ],
    ...[
      0,
      1.5,
      true,
      false,
      null,
      [],
      {},
      [null],
      [''],
      ['a'],
      [{}],
      { system: 'phone' },
      [{ system: 'phone', value: '1' }],
    ],
    ...[
      [{ value: '1' }],
      { url: 'https://x/y', valueString: 'z' },
      [{ url: 'https://x/y', valueCode: 'a b' }],
    ],
    ...[[{ use: 'official', family: 'A' }], [{ coding: [{ code: 'x' }] }], [{ system: 'x', value: 'y' }]],
  );
  const paths = pathsOf(PLAIN);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.constantFrom(...paths), fc.oneof(odd, fc.string(), fc.string({ unit: 'binary' }))),
        { minLength: 1, maxLength: 3 },
      ),
      fc.constantFrom(
        'extension',
        'contact',
        'deceasedDateTime',
        '_birthDate',
        'identifier',
        'meta',
        'text',
        undefined,
      ),
      odd,
      (changes, added, value) => {
        const patient = structuredClone(PLAIN) as Record<string, unknown>;
        // Copies: what one change puts in, the next may change.
        for (const [path, changed] of changes) put(patient, path, structuredClone(changed));
        if (added) patient[added] = structuredClone(value);
        if (!isPlainPatient(patient)) return;
        assert.deepEqual(validateResource(definitions, patient, 'Patient'), [], JSON.stringify(patient));
      },
    ),
    { numRuns: 3000 },
  );
});

test('days are those that the calendar has', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 9999 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
      (y, m, d) => {
        const written = `${y}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;
        const at = new Date(`${written}T00:00:00Z`);
        assert.equal(
          isDate(written),
          !Number.isNaN(at.getTime()) && at.toISOString().startsWith(written),
          written,
        );
      },
    ),
  );
});

type Path = (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    ...(at.length > 0 ? [at] : []),
    ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...at, key])),
  ];
}

function put(target: unknown, path: Path, value: unknown): void {
  let parent = target as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = parent[key];
    if (typeof next !== 'object' || next === null) return;
    parent = next as Record<string, unknown>;
  }
  parent[path.at(-1)!] = value;
}
