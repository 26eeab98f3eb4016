import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeQuery, hashPersonal } from './personal.ts';

const secrets = { auditKey: Buffer.alloc(32, 'audit key of the tests') };
const described = (query: string) => describeQuery(secrets, new URLSearchParams(query));
const HASHED = /^[^=]+=#[\w-]{14}$/;

test('a hash is short, the same for the same text, and another under another key', () => {
  const hash = hashPersonal(secrets, 'Smith');
  assert.match(hash, /^#[\w-]{14}$/);
  assert.equal(hashPersonal(secrets, 'Smith'), hash);
  assert.notEqual(hashPersonal(secrets, 'Smyth'), hash);
  assert.notEqual(hashPersonal({ auditKey: Buffer.alloc(32, 'another') }, 'Smith'), hash);
  // Written with one character or with two, é is é.
  assert.equal(hashPersonal(secrets, 'Ren\u00e9'), hashPersonal(secrets, 'Rene\u0301'));
});

test('codes, times, references and settings of the search are kept as they were asked', () => {
  for (const query of [
    'code=http://loinc.org|85354-9',
    'category=vital-signs,laboratory',
    'date=ge2026-01-01',
    '_lastUpdated=gt2026-11-22T09:47:19.123Z',
    'status=final',
    '_count=20',
    '_sort=-date',
    '_include=Observation:subject',
    'patient=Patient/7d0bd1f4-6b0e-8a3c-9e51-3f0c2f5f7a11',
    'patient.gender=female',
    '_has:Observation:patient:code=1234-5',
    'code:in=http://example.org/vs',
  ]) {
    assert.equal(described(query), query);
  }
});

test('what is said of a person is hashed, however it is asked', () => {
  for (const query of [
    'identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018',
    'name=Smith',
    'family:exact=Smith',
    'given:contains=an',
    'birthdate=1950-02-03',
    'phone=07700900123',
    'email=a@example.org',
    'telecom=phone|07700900123',
    'address-postalcode=LS1 4AP',
    'address=1 High Street',
    'patient.identifier=9990000018',
    'subject:Patient.name=Smith',
    'subject:identifier=9990000018',
    'patient:identifier=9990000018',
    '_has:Patient:link:family=Smith',
    'code:text=Smith’s disease',
    'death-date=2026-01-01',
    '_filter=name eq Smith',
    '_content=Smith',
  ]) {
    assert.match(described(query), HASHED, query);
    assert.equal(described(query).split('=')[0], query.split('=')[0], 'the name is kept');
  }
});

test('what is not known to be plain is hashed', () => {
  for (const query of [
    'nhsNumber=1',
    'note=Mary',
    'onset-info=since her wedding',
    'code=Mary Smith',
    'date=3 May?',
  ]) {
    assert.match(described(query), HASHED, query);
  }
  assert.equal(
    describeQuery(secrets, [['verdict', 'yes']], (name) => name === 'verdict'),
    'verdict=yes',
  );
});

test('a personal name stays personal whatever the caller says of it', () => {
  assert.match(
    describeQuery(secrets, [['patient.family', 'Smith']], () => true),
    HASHED,
  );
});

test('a health number is hashed wherever it is put', () => {
  for (const query of [
    'code=9990000018',
    'code=https://fhir.nhs.uk/Id/nhs-number|9990000018',
    'status=999-000-0018',
    '_id=9990000018',
    'subject=Patient/9990000018',
    'code=1,9990000018',
  ]) {
    assert.match(described(query), HASHED, query);
  }
  assert.doesNotMatch(described('9990000018=x'), /9990000018/);
  assert.equal(described('code=9990000019'), 'code=9990000019', 'ten digits that are none');
  assert.equal(described('_id=1234-9990000018'), '_id=1234-9990000018', 'a part of something longer');
});

test('a name that is no parameter’s is hashed too', () => {
  assert.match(described('Mary Smith=1'), /^#[\w-]{14}=#[\w-]{14}$/);
});

test('no value of a personal parameter is ever seen, and the length is bounded', () => {
  const personal = fc.constantFrom(
    'name',
    'identifier',
    'family',
    'address-city',
    'patient.given',
    'unheard-of',
  );
  const value = fc.string({ minLength: 4, maxLength: 200, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(fc.tuple(personal, value), { maxLength: 40 }), (parameters) => {
      const query = describeQuery(secrets, parameters);
      assert.ok(query.length <= 1000);
      const values = query.split('&').map((part) => part.slice(part.indexOf('=') + 1));
      for (const shown of values.slice(0, -1)) assert.match(shown, /^#[\w-]{14}$/);
    }),
  );
});
