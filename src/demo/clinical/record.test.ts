import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Coding, Condition, Immunization, MedicationStatement, Observation } from '@medplum/fhirtypes';
import { definitions } from '../../../test/support/definitions.ts';
import { patientOf } from '../../fhir/search-index/patient-of.ts';
import { PRIVACY_LABELS } from '../../fhir/store/labels.ts';
import { validateResource } from '../../fhir/validation/validate-resource.ts';
import { routeOf } from '../../ids.ts';
import { generateWorld } from '../world.ts';
import type { DemoResource } from './chart.ts';

const TODAY = '2026-11-22';
const world = generateWorld({ today: TODAY });
const patients = [...world.patients()];
const everything = patients.flatMap(({ resources }) => resources);

const ofType = <T>(resources: readonly DemoResource[], type: string) =>
  resources.filter(({ resource }) => resource.resourceType === type).map(({ resource }) => resource as T);
const codeOf = ({ code }: Observation | Condition) => code!.coding![0]!.code!;

/** Every value in a piece of JSON, with the name it stands under. */
function* walk(value: unknown, name = ''): Generator<[name: string, value: unknown]> {
  yield [name, value];
  if (Array.isArray(value)) for (const one of value) yield* walk(one, name);
  else if (value && typeof value === 'object')
    for (const [key, one] of Object.entries(value)) yield* walk(one, key);
}

test('every resource is valid FHIR R4', () => {
  // Each kind of entry comes many times in so many; all 500 patients take half a minute and say no more.
  for (const { resource } of patients.slice(0, 120).flatMap(({ resources }) => resources)) {
    const issues = validateResource(definitions, resource, resource.resourceType);
    assert.deepEqual(issues, [], `${resource.resourceType}/${resource.id}`);
  }
});

test('all ten types and all four labels are there, each label written by more than one organisation', () => {
  assert.deepEqual([...new Set(everything.map(({ resource }) => resource.resourceType))].sort(), [
    'AllergyIntolerance',
    'Appointment',
    'Condition',
    'DiagnosticReport',
    'DocumentReference',
    'Encounter',
    'Immunization',
    'MedicationStatement',
    'Observation',
    'Patient',
  ]);
  for (const label of PRIVACY_LABELS) {
    const some = everything.filter((one) => one.label === label);
    assert.ok(some.length > 150, `${label} ${some.length}`);
    assert.ok(new Set(some.map(({ organisationId }) => organisationId)).size > 1, label);
  }
});

test('each patient has about 40 resources, or as many as are asked for', () => {
  const mean = (sizes: number[]) => sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const sizes = (all: typeof patients) => all.map(({ resources }) => resources.length - 1);
  assert.ok(Math.abs(mean(sizes(patients)) - 40) < 2, String(mean(sizes(patients))));
  assert.ok(Math.min(...sizes(patients)) >= 28 && Math.max(...sizes(patients)) <= 65);
  const many = [...generateWorld({ today: TODAY, patients: 40, resourcesPerPatient: 120 }).patients()];
  assert.ok(Math.abs(mean(sizes(many)) - 120) < 6, String(mean(sizes(many))));
});

test('ids are unique and carry the routing key of their patient', () => {
  assert.equal(new Set(everything.map(({ id }) => id)).size, everything.length);
  for (const { id, resources } of patients) {
    for (const one of resources) {
      assert.equal(one.resource.id, one.id);
      assert.equal(routeOf(one.id), routeOf(id));
    }
  }
});

test('what is written belongs to its patient, and was written by an organisation that the patient is registered with', () => {
  for (const { id, registrations, resources } of patients) {
    const organisations = new Set(registrations.map(({ organisationId }) => organisationId));
    for (const { resource, organisationId } of resources) {
      assert.deepEqual(patientOf(resource.resourceType, resource).patientIds, [id], resource.resourceType);
      assert.ok(organisations.has(organisationId));
    }
    for (const { organisationId, registeredAt } of registrations) {
      const first = resources.slice(1).find((one) => one.organisationId === organisationId);
      if (first) assert.ok(first.recordedAt >= registeredAt);
    }
  }
});

test('a reference leads to a resource of the same patient, organisation and label, so no link is ever half visible', () => {
  for (const { id, resources } of patients) {
    const known = new Map(resources.map((one) => [`${one.resource.resourceType}/${one.id}`, one]));
    for (const one of resources) {
      for (const [name, value] of walk(one.resource)) {
        if (name !== 'reference' || value === `Patient/${id}`) continue;
        const target = known.get(value as string);
        assert.ok(target, `${one.resource.resourceType} refers to ${value}`);
        assert.equal(target.label, one.label);
        assert.equal(target.organisationId, one.organisationId);
      }
    }
  }
});

test('codes have right check digits, and one meaning each', () => {
  const meanings = new Map<string, string>();
  for (const { resource } of everything) {
    for (const [, value] of walk(resource)) {
      const { system, code, display } = (value ?? {}) as Coding;
      if (!system || !code || !display) continue;
      if (system === 'http://loinc.org') assert.ok(isLoinc(code), `${code} ${display}`);
      if (system === 'http://snomed.info/sct' || system === 'https://dmd.nhs.uk')
        assert.ok(isSnomed(code), `${code} ${display}`);
      assert.equal(meanings.get(`${system}|${code}`) ?? display, display);
      meanings.set(`${system}|${code}`, display);
    }
  }
  assert.ok(meanings.size > 120, String(meanings.size));
});

test('nothing was recorded before birth, after death or in the future, and only booked appointments lie ahead', () => {
  for (const { birthDate, resources } of patients) {
    const died = ofType<{ deceasedDateTime?: string }>(resources, 'Patient')[0]!.deceasedDateTime;
    for (const { resource, recordedAt } of resources) {
      assert.ok(recordedAt >= birthDate && recordedAt < TODAY, `${resource.resourceType} ${recordedAt}`);
      if (resource.resourceType === 'Patient') continue;
      if (resource.resourceType === 'Appointment' && resource.status === 'booked') {
        assert.ok(resource.start! > TODAY && !died);
        continue;
      }
      for (const [, value] of walk(resource)) {
        if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d(T|$)/.test(value)) continue;
        assert.ok(value >= birthDate && value < TODAY, `${resource.resourceType} ${value}`);
        if (died) assert.ok(value.slice(0, 10) <= died, `${resource.resourceType} ${value} after ${died}`);
      }
    }
  }
});

test('what is said of mental health, sexual health and social care carries that label and no other', () => {
  const telling = {
    MENTAL_HEALTH:
      /depress|anxiety|schizo|alzheimer|attention deficit|PHQ|GAD|MoCA|citalopram|olanzapine|talking therap|psychiatr/i,
    SEXUAL_HEALTH: /chlamydia|genital|immunodeficiency|HIV|desogestrel|dolutegravir|sexual/i,
    SOCIAL_CARE: /lives alone|isolation|risk for falls|housing|barthel|social care/i,
  };
  for (const { resource, label } of everything) {
    const text = [...walk(resource)].flatMap(([name, value]) =>
      typeof value !== 'string' ? [] : name === 'data' ? [Buffer.from(value, 'base64').toString()] : [value],
    );
    // The name of a trust says what it does, not what a patient has.
    const said = text
      .filter((value) => !world.organisations.some(({ name }) => value === name))
      .join('\n')
      .replaceAll(/Fenmoor Community and Mental Health Trust/g, '');
    for (const [of, words] of Object.entries(telling)) {
      if (words.test(said)) assert.equal(label, of, `${resource.resourceType} ${said.match(words)![0]}`);
    }
  }
});

test('nobody is given what they are allergic to', () => {
  for (const { resources } of patients) {
    const allergies = ofType<Condition>(resources, 'AllergyIntolerance').map(codeOf);
    const taken = ofType<MedicationStatement>(resources, 'MedicationStatement').map(
      (one) => one.medicationCodeableConcept!.text,
    );
    if (allergies.includes('91936005')) assert.ok(!taken.includes('Amoxicillin 500mg capsules'));
    if (allergies.includes('293586001')) assert.ok(!taken.includes('Aspirin 75 mg oral tablet'));
    if (allergies.includes('716186003')) assert.equal(allergies.length, 1, 'no known allergy stands alone');
  }
});

test('measurements are possible, and a body mass index agrees with the weight and height beside it', () => {
  const limits: Record<string, [number, number]> = {
    '8302-2': [45, 205],
    '29463-7': [2, 190],
    '39156-5': [12, 55],
    '8867-4': [40, 150],
    '2708-6': [86, 100],
    '59261-8': [18, 120],
    '14647-2': [2, 10],
    '62238-1': [10, 130],
    '44261-6': [0, 27],
    '70274-6': [0, 21],
    '72172-0': [4, 30],
  };
  for (const { resources } of patients) {
    const observations = ofType<Observation>(resources, 'Observation');
    const at = (code: string, when: string) =>
      observations.find((one) => codeOf(one) === code && one.effectiveDateTime === when)?.valueQuantity
        ?.value;
    for (const one of observations) {
      const value = one.valueQuantity?.value;
      const [min, max] = limits[codeOf(one)] ?? [0, 100_000];
      if (value !== undefined) assert.ok(value >= min && value <= max, `${codeOf(one)} ${value}`);
      if (codeOf(one) === '85354-9') {
        const [systolic, diastolic] = one.component!.map(({ valueQuantity }) => valueQuantity!.value!);
        assert.ok(
          systolic! > diastolic! + 10 && systolic! < 220 && diastolic! > 35,
          `${systolic}/${diastolic}`,
        );
      }
      if (codeOf(one) !== '39156-5') continue;
      const [weight, height] = [at('29463-7', one.effectiveDateTime!), at('8302-2', one.effectiveDateTime!)];
      assert.ok(Math.abs(value! - weight! / (height! / 100) ** 2) < 0.15);
    }
  }
});

test('treatment shows: after the diagnosis the values of that illness get better', () => {
  const falls = (problem: string, measure: string) => {
    let [better, worse] = [0, 0];
    for (const { resources } of patients) {
      const onset = ofType<Condition>(resources, 'Condition').find(
        (one) => codeOf(one) === problem,
      )?.onsetDateTime;
      if (!onset) continue;
      const values = ofType<Observation>(resources, 'Observation')
        .filter((one) => codeOf(one) === measure && one.effectiveDateTime! >= onset)
        .sort((a, b) => (a.effectiveDateTime! < b.effectiveDateTime! ? -1 : 1));
      const years = (one: Observation) =>
        (Date.parse(one.effectiveDateTime!) - Date.parse(onset)) / 31_557_600_000;
      const early = values.find((one) => years(one) < 0.2);
      const late = values.findLast((one) => years(one) > 0.7);
      if (!early || !late) continue;
      if (late.valueQuantity!.value! < early.valueQuantity!.value!) better += 1;
      else worse += 1;
    }
    assert.ok(better > 2 && better > worse * 2, `${measure}: ${better} better, ${worse} worse`);
  };
  falls('44054006', '59261-8');
  falls('13644009', '14647-2');
  falls('35489007', '44261-6');
});

test('children are vaccinated by the programme, in one visit for what is due together', () => {
  const children = patients.filter(({ birthDate }) => birthDate > '2021-01-01' && birthDate < '2024-01-01');
  assert.ok(children.length > 5);
  for (const { resources } of children) {
    const given = ofType<Immunization>(resources, 'Immunization');
    assert.ok(given.length >= 6, String(given.length));
    const second = given.filter((one) => one.protocolApplied![0]!.doseNumberPositiveInt === 2);
    assert.ok(second.length > 0);
  }
});

/** Verhoeff's check digit, which ends every SNOMED CT identifier. */
function isSnomed(code: string) {
  const multiply = (a: number, b: number) =>
    a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b) % 5) : (a - b + 5) % 5;
  const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
  const permuted = (digit: number, times: number) => {
    let result = digit;
    for (let n = 0; n < times; n += 1) result = permutation[result]!;
    return result;
  };
  return (
    [...code]
      .reverse()
      .reduce((check, digit, place) => multiply(check, permuted(Number(digit), place % 8)), 0) === 0
  );
}

/** LOINC's check digit: Luhn's, behind the hyphen. */
function isLoinc(code: string) {
  const [body, check] = code.split('-');
  const sum = [...body!].reverse().reduce((total, digit, place) => {
    const doubled = place % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return (10 - (sum % 10)) % 10 === Number(check);
}
