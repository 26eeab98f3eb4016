import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHI, NHS } from '../fixture.ts';
import { mergePatient } from './merge-patient.ts';

const stored = {
  resourceType: 'Patient',
  id: 'one',
  meta: { versionId: '3' },
  identifier: [
    { use: 'official', system: NHS, value: '9990000018' },
    { system: 'urn:a', value: '1' },
  ],
  name: [
    { use: 'official', family: 'New' },
    { use: 'maiden', family: 'Old' },
  ],
  birthDate: '1980-02-03',
  _birthDate: { extension: [{ url: 'urn:time', valueDateTime: '1980-02-03T04:05:06Z' }] },
  deceasedBoolean: false,
};
const merged = (sent: object) => mergePatient(stored, { resourceType: 'Patient', ...sent });

test('what is sent as it is changes nothing, in whatever order', () => {
  assert.equal(merged({ birthDate: '1980-02-03', _birthDate: stored._birthDate }), undefined);
  assert.equal(merged({ name: [stored.name[1]!, stored.name[0]!] }), undefined);
  assert.equal(merged({ id: 'other', meta: { profile: ['urn:p'] } }), undefined);
});

test('a name takes the place of the one for the same use; the others stay', () => {
  assert.deepEqual(merged({ name: [{ family: 'Newer' }] })!.name, [
    { family: 'Newer' },
    { use: 'maiden', family: 'Old' },
  ]);
});

test('identifiers are added and never taken away; what is known nationally is not said anew', () => {
  const sent = [
    { use: 'old', system: NHS, value: '9990000018' },
    { system: 'urn:a', value: '1', use: 'secondary' },
    { system: CHI, value: '9990000026' },
  ];
  assert.deepEqual(merged({ identifier: sent })!.identifier, [stored.identifier[0], sent[1], sent[2]]);
});

test('of a choice, what is sent takes the place of the other form', () => {
  const now = merged({ deceasedDateTime: '2026-01-02' })!;
  assert.equal('deceasedBoolean' in now, false);
  assert.equal(now.deceasedDateTime, '2026-01-02');
  assert.equal('_birthDate' in merged({ birthDate: '1980-02-04' })!, false, 'a time of another day');
});

test('a narrative goes with what it tells of, unless a new one is sent', () => {
  const told = { ...stored, text: { status: 'generated', div: '<div/>' } };
  assert.equal('text' in mergePatient(told, { resourceType: 'Patient', gender: 'male' })!, false);
  assert.equal(mergePatient(told, { resourceType: 'Patient' }), undefined);
});

test('to merge the same again changes nothing, whatever it is', () => {
  const entry = fc.record({
    system: fc.constantFrom('phone', 'email', 'fax'),
    use: fc.constantFrom('home', 'work', undefined),
    value: fc.string(),
  });
  const patient = fc.record(
    {
      resourceType: fc.constant('Patient'),
      telecom: fc.array(entry, { minLength: 1, maxLength: 4 }),
      identifier: fc.array(
        fc.record({ system: fc.constantFrom(NHS, 'urn:a', 'urn:b'), value: fc.constantFrom('1', '2') }),
        { minLength: 1, maxLength: 3 },
      ),
      gender: fc.constantFrom('male', 'female'),
      deceasedBoolean: fc.boolean(),
      deceasedDateTime: fc.constant('2026-01-01'),
    },
    { requiredKeys: ['resourceType'] },
  );
  fc.assert(
    fc.property(patient, patient, (first, second) => {
      // One of a choice, as validation has it.
      if (first.deceasedBoolean !== undefined) delete first.deceasedDateTime;
      if (second.deceasedBoolean !== undefined) delete second.deceasedDateTime;
      const once = mergePatient(first, second) ?? first;
      assert.equal(mergePatient(once, second), undefined);
      assert.equal('deceasedBoolean' in once && 'deceasedDateTime' in once, false);
    }),
  );
});
