import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryGetDataType } from '@medplum/core';
import { definitions } from '../../../test/support/definitions.ts';
import { neverBelongsToPatient, OWNERS, patientOf } from './patient-of.ts';

const patient = (id: string) => ({ reference: 'Patient/' + id });

test('every R4 type either says whose it is or never belongs to a patient', () => {
  const special = new Set(['Patient', 'Bundle']);
  for (const type of definitions.resourceTypes) {
    const ways = [type in OWNERS, neverBelongsToPatient(type), special.has(type)].filter(Boolean);
    assert.equal(ways.length, 1, type);
  }
  for (const type of Object.keys(OWNERS)) assert.ok(definitions.resourceTypes.has(type), type);
});

test('every type of the patient compartment can belong to a patient, except a schedule of appointments', () => {
  for (const type of definitions.patientCompartment.keys()) {
    assert.equal(neverBelongsToPatient(type), type === 'Schedule', type);
  }
});

test('every owning element exists and may point to a patient', () => {
  for (const [type, paths] of Object.entries(OWNERS)) {
    definitions.load(type);
    for (const path of paths) {
      const keys = path.split('.');
      let schema = tryGetDataType(type);
      for (const key of keys.slice(0, -1))
        schema = tryGetDataType(schema?.elements[key]?.type[0]?.code ?? '');
      const targets = schema?.elements[keys.at(-1)!]?.type.find(
        (option) => option.code === 'Reference',
      )?.targetProfile;
      const reaches = !targets || targets.some((target) => /\/(Patient|Resource)$/.test(target));
      assert.ok(schema?.elements[keys.at(-1)!] && reaches, type + '.' + path);
    }
  }
});

const CASES: [
  promise: string,
  resource: { resourceType: string; [key: string]: unknown },
  ...ids: string[],
][] = [
  ['a patient is its own', { resourceType: 'Patient', id: 'p' }, 'p'],
  ['an observation belongs to its subject', { resourceType: 'Observation', subject: patient('p') }, 'p'],
  ['its performer does not count', { resourceType: 'Observation', performer: [patient('q')] }],
  [
    'a version is of the same patient',
    { resourceType: 'Observation', subject: patient('p/_history/2') },
    'p',
  ],
  ['a group is no patient', { resourceType: 'Observation', subject: { reference: 'Group/p' } }],
  [
    'an address elsewhere is no patient of ours',
    { resourceType: 'Flag', subject: { reference: 'https://x/Patient/p' } },
  ],
  ['nor is a contained one', { resourceType: 'Flag', subject: { reference: '#p' } }],
  [
    'nor an identifier alone',
    { resourceType: 'Flag', subject: { type: 'Patient', identifier: { value: 'p' } } },
  ],
  [
    'an appointment belongs to its patients, each once',
    {
      resourceType: 'Appointment',
      participant: [
        { actor: patient('p') },
        { actor: { reference: 'Practitioner/d' } },
        { actor: patient('p') },
      ],
    },
    'p',
  ],
  ['a task belongs to whom it is for', { resourceType: 'Task', for: patient('p'), owner: patient('q') }, 'p'],
  [
    'a group belongs to its members',
    { resourceType: 'Group', member: [{ entity: patient('p') }, { entity: patient('q') }] },
    'p',
    'q',
  ],
  [
    'a bundle belongs to all its entries belong to',
    {
      resourceType: 'Bundle',
      entry: [
        { resource: { resourceType: 'Patient', id: 'p' } },
        { resource: { resourceType: 'Observation', subject: patient('q') } },
        { fullUrl: 'x' },
      ],
    },
    'p',
    'q',
  ],
  ['a location belongs to nobody', { resourceType: 'Location', subject: patient('p') }],
];

for (const [promise, resource, ...ids] of CASES) {
  test(promise, () => {
    assert.deepEqual(patientOf(resource.resourceType, resource), { patientIds: ids });
  });
}

test('a resource of the wrong shape belongs to nobody, and that is no error', () => {
  for (const subject of [null, 'Patient/p', 1, [], [null], [patient('a'), null], { reference: 5 }]) {
    const { patientIds } = patientOf('Observation', { subject });
    assert.ok(patientIds.length <= 1);
  }
});
