import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Patient } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { ageOn, bannerDate, patientBanner } from './patient.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const KNOWN = { birthDate: null, deceased: false };
const banner = (patient: Partial<Patient>) => patientBanner(patient, KNOWN, NOW);

describe('the header of a record', () => {
  it('says the name with the family name in capitals, and the title', () => {
    const name = [{ use: 'official' as const, family: 'O’Brien', given: ['Nia', 'Mair'], prefix: ['Dr'] }];
    assert.equal(banner({ name }).name, 'O’BRIEN, Nia Mair (Dr)');
    assert.equal(banner({ name }).plainName, 'Nia O’Brien');
    assert.equal(banner({ name: [{ text: 'Baby of Ann' }] }).name, 'Baby of Ann');
    assert.equal(banner({ name: [{ family: 'Li' }] }).name, 'LI');
    assert.equal(banner({}).name, 'Name not recorded');
  });

  it('takes the official name, and never an old one', () => {
    const name: Patient['name'] = [
      { use: 'maiden', family: 'Before' },
      { use: 'nickname', given: ['Nan'] },
      { use: 'usual', family: 'Usual' },
      { use: 'official', family: 'Official' },
    ];
    assert.equal(banner({ name }).name, 'OFFICIAL');
    assert.equal(banner({ name: name.slice(0, 3) }).name, 'USUAL');
    assert.equal(banner({ name: name.slice(0, 1) }).name, 'Name not recorded');
  });

  it('writes the NHS number as 3-3-4, and says when nobody verified it', () => {
    const number = (code?: string): Partial<Patient> => ({
      identifier: [
        { system: 'https://hospital.example/number', value: '1' },
        {
          system: 'https://fhir.nhs.uk/Id/nhs-number',
          value: '9990000042',
          ...(code && {
            extension: [
              {
                url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus',
                valueCodeableConcept: { coding: [{ code }] },
              },
            ],
          }),
        },
      ],
    });
    assert.deepEqual(banner(number()).number, {
      name: 'NHS number',
      text: '999 000 0042',
      unverified: false,
    });
    assert.equal(banner(number('number-present-and-verified')).number?.unverified, false);
    assert.equal(banner(number('02')).number?.unverified, true);
    assert.equal(banner({}).number, null);
  });

  it('takes what the service knows when there is no Patient resource', () => {
    const known = patientBanner(null, { birthDate: '1980-02-03', deceased: false }, NOW);
    assert.deepEqual([known.name, known.born, known.age], ['Name not recorded', '03-Feb-1980', '46y']);
  });

  it('says when somebody died, and the age at death rather than now', () => {
    const died = banner({ birthDate: '1950-06-01', deceasedDateTime: '2020-05-31T10:00:00Z' });
    assert.deepEqual([died.died, died.age], ['31-May-2020', '69y']);
    assert.deepEqual([banner({ birthDate: '1950-06-01', deceasedBoolean: true }).age], ['']);
    assert.equal(banner({ deceasedBoolean: true }).died, 'date not recorded');
  });

  it('counts today as the day it is in London', () => {
    const late = new Date('2026-06-30T23:30:00Z');
    assert.equal(patientBanner({ birthDate: '2008-07-01' }, KNOWN, late).age, '18y');
  });
});

describe('ages', () => {
  for (const [born, on, age] of [
    ['2008-11-22', '2026-11-22', '18y'],
    ['2008-11-23', '2026-11-22', '17y 11m'],
    ['2024-11-22', '2026-11-22', '2y'],
    ['2024-11-23', '2026-11-22', '23m 30d'],
    ['2025-11-22', '2026-11-22', '12m'],
    ['2026-01-31', '2026-02-28', '4w'],
    ['2026-11-01', '2026-11-22', '21d'],
    ['2026-11-22', '2026-11-22', '0d'],
    ['2024-02-29', '2026-02-28', '23m 30d'],
    ['1946', '2026-11-22', 'about 80y'],
    ['2030-01-01', '2026-11-22', ''],
  ] as const) {
    it(`of somebody born ${born} are ${age || 'not said'} on ${on}`, () =>
      assert.equal(ageOn(born, on), age));
  }

  it('have one of the forms of the guidance for every two days', () => {
    const day = fc
      .integer({ min: 0, max: 40_000 })
      .map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
    fc.assert(
      fc.property(day, day, (one, other) => {
        const [born = '', on = ''] = [one, other].sort();
        assert.match(ageOn(born, on), /^(\d+y|\d+y \d+m|\d+m|\d+m \d+d|\d+w|\d+w \d+d|\d+d)$/);
      }),
    );
  });

  it('print dates that are only partly known as far as they are', () => {
    assert.equal(bannerDate('1980-05'), 'May-1980');
    assert.equal(bannerDate('1980'), '1980');
  });
});
