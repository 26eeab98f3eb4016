import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { definitions } from '../../../test/support/definitions.ts';
import { randomResource } from '../../../test/support/random-resource.ts';
import { ukCoreExamples, ukCoreResources } from '../../../test/support/uk-core.ts';
import { validateResource } from './validate-resource.ts';

const check = (resource: unknown, type: string) => validateResource(definitions, resource, type);

const observation = {
  resourceType: 'Observation',
  id: 'bp-1',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2024-02-29T10:00:00Z',
  component: [
    {
      code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
      valueQuantity: { value: 120, comparator: '<', unit: 'mmHg' },
    },
  ],
};

test('every published UK Core example is valid', () => {
  const examples = ukCoreExamples();
  assert.equal(examples.length, 74);
  for (const { name, resource } of ukCoreResources()) {
    assert.deepEqual(check(resource, resource.resourceType), [], name);
  }
});

test('validation leaves the resource as it was', () => {
  for (const { resource } of ukCoreExamples()) {
    const before = JSON.stringify(resource);
    check(resource, resource.resourceType);
    assert.equal(JSON.stringify(resource), before);
  }
});

/** Each breaks one rule of the Observation above. */
const REFUSALS: [promise: string, change: object, code: string, expression: string][] = [
  ['a status that does not exist', { status: 'banana' }, 'code-invalid', 'Observation.status'],
  ['a missing status', { status: undefined }, 'required', 'Observation.status'],
  ['a null', { status: null }, 'structure', 'Observation.status'],
  ['an empty text', { status: '' }, 'code-invalid', 'Observation.status'],
  ['an array for a single element', { status: ['final'] }, 'structure', 'Observation.status'],
  ['a single element for an array', { component: {} }, 'structure', 'Observation.component'],
  ['an empty array', { component: [] }, 'structure', 'Observation.component'],
  ['an empty object', { component: [{}] }, 'structure', 'Observation.component[0]'],
  ['a number for a text', { status: 1 }, 'structure', 'Observation.status'],
  ['true for an object', { component: [true] }, 'structure', 'Observation.component[0]'],
  ['a text for an object', { subject: 'Patient/1' }, 'structure', 'Observation.subject'],
  ['an array within an array', { component: [[]] }, 'structure', 'Observation.component[0]'],
  ['an unknown element', { colour: 'red' }, 'structure', 'Observation.colour'],
  ['an element named like an object method', { constructor: 'x' }, 'structure', 'Observation.constructor'],
  ['an element of another type', { birthDate: '1980-01-01' }, 'structure', 'Observation.birthDate'],
  ['two values of a choice', { valueString: 'a', valueInteger: 1 }, 'structure', 'Observation.value'],
  ['a value of no type of the choice', { valueAddress: {} }, 'structure', 'Observation.valueAddress'],
  ['a day that does not exist', { effectiveDateTime: '2023-02-29' }, 'value', 'Observation.effective'],
  ['a time without a zone', { effectiveDateTime: '2023-02-28T10:00:00' }, 'value', 'Observation.effective'],
  ['a time without seconds', { effectiveDateTime: '2023-02-28T10:00Z' }, 'value', 'Observation.effective'],
  ['a date in another order', { effectiveDateTime: '28/02/2023' }, 'value', 'Observation.effective'],
  ['the year 0', { effectiveDateTime: '0000' }, 'value', 'Observation.effective'],
  [
    'a period that ends before it starts',
    {
      effectiveDateTime: undefined,
      effectivePeriod: { start: '2024-01-01T04:00:00Z', end: '2024-01-01T06:00:00+05:00' },
    },
    'invariant',
    'Observation.effective',
  ],
  ['an id with a slash', { id: 'a/b' }, 'value', 'Observation.id'],
  ['an id of 65 letters', { id: 'a'.repeat(65) }, 'value', 'Observation.id'],
  [
    'a reference to nowhere',
    { subject: { reference: 'Patient/' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a reference with a space',
    { subject: { reference: 'Patient/a b' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a search as a reference',
    { subject: { reference: 'Patient?a=b' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a script as a reference',
    { subject: { reference: 'javascript:x' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a reference to no type',
    { subject: { reference: 'Project/1' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a reference to a wrong type',
    { subject: { reference: 'Slot/1' } },
    'value',
    'Observation.subject.reference',
  ],
  [
    'a reference that contradicts its type',
    { subject: { reference: 'Patient/1', type: 'Group' } },
    'value',
    'Observation.subject.type',
  ],
  [
    'a contained resource that is not there',
    { subject: { reference: '#p' } },
    'invariant',
    'Observation.subject.reference',
  ],
  [
    'a contained thing of no type',
    { contained: [{ id: 'p' }] },
    'structure',
    'Observation.contained[0].resourceType',
  ],
  [
    'a contained resource that is not valid',
    { contained: [{ resourceType: 'Patient', id: 'p', gender: 'm' }] },
    'code-invalid',
    'Observation.contained[0].gender',
  ],
  [
    'a comparator that does not exist',
    { valueQuantity: { value: 1, comparator: '~' } },
    'code-invalid',
    'Observation.value.comparator',
  ],
  ['an integer beyond 32 bits', { valueInteger: 2 ** 31 }, 'value', 'Observation.value'],
  ['an integer with a fraction', { valueInteger: 1.5 }, 'value', 'Observation.value'],
  [
    'a number beyond a double',
    { valueQuantity: { value: Number.POSITIVE_INFINITY } },
    'value',
    'Observation.value.value',
  ],
  ['a control character', { valueString: 'a\u0000b' }, 'value', 'Observation'],
  ['half a surrogate pair', { valueString: '\ud800' }, 'value', 'Observation'],
  [
    'an extension without an address',
    { extension: [{ valueString: 'a' }] },
    'required',
    'Observation.extension[0].url',
  ],
  [
    'an extension with neither value nor extension',
    { extension: [{ url: 'http://a' }] },
    'invariant',
    'Observation.extension[0]',
  ],
  [
    'a resource type inside an element',
    { subject: { resourceType: 'Patient' } },
    'structure',
    'Observation.subject.resourceType',
  ],
  ['extensions of a complex element', { _subject: { id: 'a' } }, 'structure', 'Observation._subject'],
  ['extensions that are a text', { _status: 'a' }, 'structure', 'Observation.status'],
  [
    'a value beside a reason why there is none',
    { valueString: 'a', dataAbsentReason: { text: 'b' } },
    'invariant',
    'Observation',
  ],
];

for (const [promise, change, code, expression] of REFUSALS) {
  test(`${promise} is refused, with its place`, () => {
    const issues = check({ ...observation, ...change }, 'Observation');
    assert.ok(
      issues.some((one) => one.code === code && one.expression === expression),
      JSON.stringify(issues),
    );
  });
}

test('a required CodeableConcept needs one coding from its value set', () => {
  const allergy = (clinicalStatus: object) =>
    check(
      { resourceType: 'AllergyIntolerance', patient: { reference: 'Patient/1' }, clinicalStatus },
      'AllergyIntolerance',
    );
  const system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
  assert.deepEqual(allergy({ coding: [{ system, code: 'active' }] }), []);
  assert.deepEqual(
    allergy({
      coding: [
        { system: 'http://local', code: '1' },
        { system, code: 'active' },
      ],
    }),
    [],
  );
  for (const wrong of [
    { coding: [{ system, code: 'banana' }] },
    { coding: [{ system: 'http://local', code: 'active' }] },
    { text: 'active' },
  ]) {
    assert.equal(allergy(wrong)[0]?.code, 'code-invalid', JSON.stringify(wrong));
  }
});

test('a period may have one end, two precisions and two zones', () => {
  const period = (start?: string, end?: string) =>
    check({ ...observation, effectiveDateTime: undefined, effectivePeriod: { start, end } }, 'Observation');
  assert.deepEqual(period('2020'), []);
  assert.deepEqual(period(undefined, '2020'), []);
  assert.deepEqual(period('2020-05-01', '2020'), []);
  assert.deepEqual(period('2024-01-01T10:00:00+05:00', '2024-01-01T06:00:00Z'), []);
  const dispense = {
    resourceType: 'MedicationDispense',
    status: 'completed',
    medicationCodeableConcept: { text: 'x' },
  };
  const handedOver = { whenPrepared: '2024-01-01T10:00:00+05:00', whenHandedOver: '2024-01-01T06:00:00Z' };
  assert.deepEqual(check({ ...dispense, ...handedOver }, 'MedicationDispense'), []);
});

test('what is not an object of the expected type is refused', () => {
  for (const wrong of [null, undefined, 1, 'x', true, [], [observation], {}, { resourceType: 'Patient' }]) {
    assert.equal(check(wrong, 'Observation').length, 1);
  }
  assert.equal(check({ resourceType: 'Project' }, 'Project').length, 1);
  assert.equal(check({ resourceType: '__proto__' }, '__proto__').length, 1);
});

test('null may hold the place of a primitive that has only extensions, and nowhere else', () => {
  const extension = [{ url: 'http://example.org/why', valueString: 'unknown' }];
  const name = (given: unknown, beside: unknown) =>
    check({ resourceType: 'Patient', name: [{ given, _given: beside }] }, 'Patient');
  assert.deepEqual(name(['Anna', null], [null, { extension }]), []);
  assert.equal(name(['Anna', null], [{ extension }, null]).length > 0, true);
});

test('codes and link ids that must be unique are', () => {
  const item = { linkId: '1', type: 'string' };
  const questionnaire = (second: string) =>
    check(
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: [{ ...item, type: 'group', item: [{ ...item, linkId: second }] }],
      },
      'Questionnaire',
    );
  assert.deepEqual(questionnaire('1.1'), []);
  assert.match(questionnaire('1')[0]?.diagnostics ?? '', /que-2/);
  const bundle = (fullUrl: string) =>
    check(
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [{ fullUrl: 'http://a/1' }, { fullUrl }].map((one) => ({ ...one, resource: observation })),
      },
      'Bundle',
    );
  assert.deepEqual(bundle('http://a/2'), []);
  assert.match(bundle('http://a/1')[0]?.diagnostics ?? '', /bdl-7/);
});

test('a refusal never repeats what the resource says', () => {
  const secret = 'Wilhelmina Featherstonehaugh';
  const places = fc.constantFrom(
    'status',
    'subject',
    'code',
    'component',
    'effectiveDateTime',
    'id',
    'text',
    'note',
    secret,
  );
  const values = fc.constantFrom<unknown>(
    ...[secret, [secret], { [secret]: secret }, { reference: secret }, { div: secret, status: secret }],
    ...[{ coding: secret }, [{ text: [secret] }], { reference: 'Patient/' + secret, type: secret }],
    { coding: [{ system: secret, code: secret }] },
  );
  fc.assert(
    fc.property(places, values, (place, value) => {
      const issues = check({ ...observation, [place]: value }, 'Observation');
      assert.ok(!JSON.stringify(issues).includes('Featherstonehaugh'), JSON.stringify(issues));
    }),
  );
});

test('whatever JSON is put anywhere, the answer is a list of issues', () => {
  const seeds = fc.tuple(fc.constantFrom(...definitions.resourceTypes), fc.nat());
  fc.assert(
    fc.property(seeds, fc.jsonValue({ maxDepth: 3 }), fc.nat(), ([type, seed], junk, where) => {
      const resource = randomResource(definitions, type, seed);
      plant(resource, junk, where);
      for (const one of check(resource, type)) {
        assert.equal(one.severity, 'error');
        assert.ok(one.expression && one.diagnostics);
      }
    }),
    { numRuns: 400 },
  );
});

/** Replaces one value somewhere in a tree. */
function plant(root: object, junk: unknown, where: number): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (value: object) => {
    for (const [key, child] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      if (typeof child === 'object' && child !== null) visit(child);
    }
  };
  visit(root);
  const [parent, key] = places[where % places.length]!;
  parent[key] = junk;
}

test('resources made to be slow are refused or checked within seconds', () => {
  let deep: object = { text: 'x' };
  for (let level = 0; level < 50_000; level++) deep = { extension: [deep] };
  const many = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index));
  const attacks: [string, Record<string, unknown>][] = [
    ['Observation', { ...observation, code: deep }],
    ['Observation', { ...observation, extension: many(60_000, () => ({ url: 'a', valueCode: 'b' })) }],
    ['Observation', { ...observation, extension: many(15_000, () => ({ url: 'a', valueCode: 'b' })) }],
    [
      'Questionnaire',
      { status: 'draft', item: many(15_000, (index) => ({ linkId: String(index), type: 'group' })) },
    ],
    [
      'List',
      {
        ...{ status: 'current', mode: 'working' },
        contained: many(4_500, (index) => ({ resourceType: 'Basic', id: 'c' + index, code: { text: 'x' } })),
        entry: many(4_500, (index) => ({ item: { reference: '#c' + index } })),
      },
    ],
    [
      'CodeSystem',
      { status: 'draft', content: 'complete', concept: many(15_000, (index) => ({ code: 'c' + index })) },
    ],
    ['Patient', { name: [{ given: many(60_000, () => 'x') }] }],
    ['Patient', { text: { status: 'generated', div: '<div ' + 'a="b" '.repeat(200_000) } }],
    ['Patient', { text: { status: 'generated', div: '<div>' + '<!-- '.repeat(100_000) } }],
    ['Patient', { text: { status: 'generated', div: '<div>' + '<p>'.repeat(300_000) } }],
  ];
  for (const [type, resource] of attacks) {
    const started = performance.now();
    check({ ...resource, resourceType: type }, type);
    const took = performance.now() - started;
    assert.ok(took < 3_000, `${type} took ${Math.round(took)} ms`);
  }
});
