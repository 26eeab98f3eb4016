import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { definitions } from '../../../test/support/definitions.ts';
import { randomResource } from '../../../test/support/random-resource.ts';
import { ukCoreResources } from '../../../test/support/uk-core.ts';
import { compileIndexer, type IndexEntries } from './compile-indexer.ts';

const index = (resource: { resourceType: string; [key: string]: unknown }) =>
  compileIndexer(definitions, resource.resourceType)(resource);

test('a patient is found by number, name, birth date, gender, address and telephone', () => {
  const entries = index({
    resourceType: 'Patient',
    id: 'p',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }],
    name: [{ family: "O'Brien", given: ['Siân', 'Mary Ann'] }],
    birthDate: '1980-02',
    gender: 'female',
    telecom: [{ system: 'phone', value: '01632 960001' }],
    address: [{ line: ['1 High Street'], postalCode: 'LS1 1AA' }],
    managingOrganization: { reference: 'Organization/o' },
  });
  assert.deepEqual(entries, {
    tokens: [
      ...['address:present', 'address:exact=1 High Street', 'address:exact=LS1 1AA'],
      ...['address-postalcode:present', 'address-postalcode:exact=LS1 1AA', 'birthdate:present'],
      ...['deceased:present', 'deceased=*|false', 'family:present', "family:exact=O'Brien"],
      ...['gender:present', 'gender=*|female', 'given:present', 'given:exact=Siân', 'given:exact=Mary Ann'],
      ...['name:present', "name:exact=O'Brien", 'name:exact=Siân', 'name:exact=Mary Ann'],
      ...['organization:present', 'organization=Organization/o'],
      ...['phone:present', 'phone=|01632 960001', 'phone=*|01632 960001'],
      ...['telecom:present', 'telecom=|01632 960001', 'telecom=*|01632 960001'],
    ],
    identifiers: [
      'identifier:present',
      'identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018',
      'identifier=*|9990000018',
      'identifier=https://fhir.nhs.uk/Id/nhs-number|',
    ],
    strings: [
      ...['address=1 high street', 'address=ls1 1aa', 'address-postalcode=ls1 1aa', 'family=obrien'],
      ...['given=sian', 'given=mary ann', 'name=obrien', 'name=sian', 'name=mary ann'],
    ],
    dates: { birthdate: [['1980-02-01T00:00:00.000Z', '1980-03-01T00:00:00.000Z']] },
    numbers: {},
    sortDate: ['1980-02-01T00:00:00.000Z', '1980-03-01T00:00:00.000Z'],
  } satisfies IndexEntries);
});

test('an observation is found by patient, code with and without system, date and value', () => {
  const entries = index({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }, { code: 'local' }] },
    subject: { reference: 'Patient/p/_history/3', identifier: { system: 'http://ids', value: '1' } },
    effectivePeriod: { start: '2024-01-01' },
    valueQuantity: { value: 120, system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  });
  for (const entry of [
    ...[
      'code=http://loinc.org|8480-6',
      'code=*|8480-6',
      'code=http://loinc.org|',
      'code=|local',
      'code=*|local',
    ],
    ...['subject=Patient/p', 'patient=Patient/p', 'subject:identifier=http://ids|1', 'status=*|final'],
    'value-quantity=http://unitsofmeasure.org|mm[Hg]',
  ]) {
    assert.ok(entries.tokens.includes(entry), entry);
  }
  assert.ok(!entries.tokens.includes('code=http://loinc.org|local'));
  assert.deepEqual(entries.numbers['value-quantity'], [120]);
  assert.deepEqual(entries.sortDate, ['2024-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']);
});

test('a patient has died unless the record says false or nothing', () => {
  const deceased = (part: object) =>
    index({ resourceType: 'Patient', ...part }).tokens.filter((one) => /^deceased=/.test(one));
  assert.deepEqual(deceased({ deceasedDateTime: '2020' }), ['deceased=*|true']);
  assert.deepEqual(deceased({ deceasedBoolean: true }), ['deceased=*|true']);
  assert.deepEqual(deceased({ deceasedBoolean: false }), ['deceased=*|false']);
  assert.deepEqual(deceased({}), ['deceased=*|false']);
});

test('telephone and e-mail are told apart by their system', () => {
  const telecom = [
    { system: 'phone', value: '1' },
    { system: 'email', value: 'a@example.org' },
  ];
  const { tokens } = index({ resourceType: 'Patient', telecom });
  assert.ok(tokens.includes('phone=*|1') && tokens.includes('email=*|a@example.org'));
  assert.ok(!tokens.includes('email=*|1') && !tokens.includes('phone=*|a@example.org'));
});

test('an appointment is found by its patient among its participants', () => {
  const { tokens } = index({
    resourceType: 'Appointment',
    participant: [{ actor: { reference: 'Practitioner/d' } }, { actor: { reference: 'Patient/p' } }],
  });
  assert.deepEqual(
    tokens.filter((entry) => entry.startsWith('patient')),
    ['patient:present', 'patient=Patient/p'],
  );
});

test('labels, profiles and tags in meta are found in every type', () => {
  const { tokens } = index({
    resourceType: 'Flag',
    meta: {
      security: [{ system: 'http://labels', code: 'GENERAL_HEALTH' }],
      profile: ['http://p|1'],
      source: 'urn:s',
    },
  });
  for (const entry of [
    '_security=http://labels|GENERAL_HEALTH',
    '_profile=http://p',
    '_profile=http://p|1',
    '_source=urn:s',
  ]) {
    assert.ok(tokens.includes(entry), entry);
  }
});

test('a contained resource has no address to be found by, a resource in a bundle has', () => {
  assert.deepEqual(index({ resourceType: 'Flag', subject: { reference: '#p' } }).tokens, ['subject:present']);
  const document = {
    resourceType: 'Bundle',
    entry: [
      { resource: { resourceType: 'Composition', id: 'c' } },
      { resource: { resourceType: 'Patient', id: 'p' } },
    ],
  };
  assert.deepEqual(
    index(document).tokens.filter((entry) => entry.startsWith('composition')),
    ['composition:present', 'composition=Composition/c'],
  );
});

test('times of a schedule count by their outer limits', () => {
  const { dates } = index({
    resourceType: 'MedicationRequest',
    dosageInstruction: [{ timing: { event: ['2024-03-01', '2024-01-01'] } }],
  });
  assert.deepEqual(dates.date, [
    ['2024-03-01T00:00:00.000Z', '2024-03-02T00:00:00.000Z'],
    ['2024-01-01T00:00:00.000Z', '2024-01-02T00:00:00.000Z'],
  ]);
  const observed = index({
    resourceType: 'Observation',
    effectiveTiming: { event: ['2024-03-01', '2024-01-01'], repeat: { boundsPeriod: { end: '2024-06' } } },
  });
  assert.deepEqual(observed.sortDate, ['0001-01-01T00:00:00.000Z', '2024-07-01T00:00:00.000Z']);
});

test('a value longer than an index key may be is held by its hash', () => {
  const long = 'x'.repeat(5000);
  const { tokens, identifiers, strings } = index({
    resourceType: 'Patient',
    identifier: [{ system: 'http://a', value: long }],
    name: [{ family: long }],
    managingOrganization: { reference: 'https://example.org/' + long },
  });
  for (const entry of [...tokens, ...identifiers, ...strings])
    assert.ok(entry.length < 400, entry.slice(0, 40));
  assert.match(identifiers[1] ?? '', /^identifier:hash=[\w-]{43}$/);
});

test('no two parameters or values share an entry that means different things', () => {
  const coding = (system: string, code: string) =>
    index({ resourceType: 'Observation', code: { coding: [{ system, code }] } }).tokens.filter((one) =>
      /^code=/.test(one),
    );
  const shared = (a: string[], b: string[]) => a.filter((entry) => b.includes(entry));
  assert.deepEqual(shared(coding('a|b', 'c'), coding('a', 'b|c')), []);
  assert.deepEqual(shared(coding('*', 'c'), coding('x', 'd')), []);
  assert.ok(!coding('x', 'd').includes('code=*|c'));
});

test('indexing never fails and never says anything twice, whatever the type and content', () => {
  const indexers = new Map(
    [...definitions.resourceTypes].map((type) => [type, compileIndexer(definitions, type)]),
  );
  const seeded = fc.tuple(fc.constantFrom(...definitions.resourceTypes), fc.nat());
  fc.assert(
    fc.property(seeded, ([type, seed]) => {
      const { tokens, identifiers, strings, dates } = indexers.get(type)!(
        randomResource(definitions, type, seed),
      );
      for (const list of [tokens, identifiers, strings]) assert.equal(new Set(list).size, list.length);
      for (const [from, to] of Object.values(dates).flat()) assert.ok(from <= to);
    }),
    { numRuns: 300 },
  );
});

test('an observation is indexed in a fraction of a millisecond', () => {
  const examples = ukCoreResources().filter(({ resource }) => resource.resourceType === 'Observation');
  const indexer = compileIndexer(definitions, 'Observation');
  const round = () => {
    for (const { resource } of examples) indexer(resource);
  };
  for (let warm = 0; warm < 50; warm++) round();
  const best = Math.min(
    ...Array.from({ length: 20 }, () => {
      const started = performance.now();
      round();
      return (performance.now() - started) / examples.length;
    }),
  );
  assert.ok(best < 0.05, `${best} ms`);
});
