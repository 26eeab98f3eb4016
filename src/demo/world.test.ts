import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUuid, routeOf } from '../ids.ts';
import { parseScope } from '../oauth/scopes.ts';
import { passwordProblem } from '../sign-in/password.ts';
import { isNhsNumber } from './nhs-number.ts';
import type { DemoPatient } from './patients.ts';
import { professionalsOf } from './staff.ts';
import { generateWorld } from './world.ts';

const TODAY = '2026-11-22';
const world = generateWorld({ today: TODAY });
const patients = [...world.patients()];
const byKind = (kind: string) => world.organisations.find((organisation) => organisation.kind === kind)!;

/** Everything but the patients' generator, which is a function. */
const directory = ({ patients: _, ...rest }: typeof world) => rest;

test('the same seed and day make the same world, to the last id', () => {
  const again = generateWorld({ today: TODAY });
  assert.deepEqual(directory(again), directory(world));
  assert.deepEqual([...again.patients()].slice(0, 60), patients.slice(0, 60));
});

test('another seed makes another world', () => {
  const other = generateWorld({ today: TODAY, seed: 'elsewhere', patients: 20 });
  assert.notEqual(other.organisations[0]!.id, world.organisations[0]!.id);
  assert.notDeepEqual(
    [...other.patients()].map(({ id }) => id),
    patients.slice(0, 20).map(({ id }) => id),
  );
});

test('a world told on another day has the same people, older by nothing and moved by those days', () => {
  const later = [...generateWorld({ today: '2027-02-02', patients: 40 }).patients()];
  for (const [index, patient] of later.entries()) {
    const before = patients[index]!;
    assert.equal(patient.id, before.id);
    assert.equal(patient.nhsNumber, before.nhsNumber);
    assert.deepEqual([patient.given, patient.family], [before.given, before.family]);
    assert.equal(Date.parse(patient.birthDate) - Date.parse(before.birthDate), 72 * 86_400_000);
  }
});

test('a larger world begins with the patients of a smaller one', () => {
  const first = (all: Iterable<DemoPatient>) => [...all].slice(0, 5);
  assert.deepEqual(first(generateWorld({ today: TODAY, patients: 6 }).patients()), patients.slice(0, 5));
});

test('there are three organisations with a default team each and ODS codes of their own', () => {
  assert.equal(world.organisations.length, 3);
  assert.equal(new Set(world.organisations.map(({ odsCode }) => odsCode)).size, 3);
  for (const { id, odsCode, teams } of world.organisations) {
    assert.ok(isUuid(id));
    assert.match(odsCode, /^[A-Z0-9]{3,10}$/);
    assert.deepEqual(
      teams.filter(({ isDefault }) => isDefault).map(({ name }) => name),
      ['Patient Record Team'],
    );
    assert.ok(teams.length >= 3);
  }
});

test('each organisation has two administrators, two coordinators and three professionals, and one person has two roles', () => {
  for (const { id } of world.organisations) {
    const count = (role: string) =>
      world.staff.filter(({ roles }) => roles[0]!.organisationId === id && roles[0]!.role === role).length;
    assert.deepEqual([count('administrator'), count('coordinator'), count('professional')], [2, 2, 3]);
  }
  assert.equal(world.staff.filter(({ roles }) => roles.length === 2).length, 1);
});

test('staff can sign in: passwords the service would take, and a second factor for administrators and those whom the launches are about', () => {
  for (const { email, name, password, totpSecret, roles } of world.staff) {
    assert.equal(passwordProblem(password, { name, email }), null);
    const launches = roles.some(({ organisationId }) =>
      professionalsOf(world.staff, organisationId)
        .slice(0, 2)
        .some((person) => person.email === email),
    );
    assert.equal(totpSecret !== undefined, launches || roles.some(({ role }) => role === 'administrator'));
    if (totpSecret) assert.match(totpSecret, /^[A-Z2-7]{32}$/);
  }
  assert.equal(new Set(world.staff.map(({ email }) => email)).size, world.staff.length);
  assert.equal(new Set(world.staff.map(({ password }) => password)).size, world.staff.length);
});

test('six systems of five companies are live, each with scopes that the service knows and one way to prove itself', () => {
  const live = world.systems.filter(({ standing }) => standing === 'live');
  assert.equal(live.length, 6);
  assert.equal(new Set(live.map(({ company }) => company)).size, 5);
  for (const { scopes, authMethod, clientSecret, privateJwk } of world.systems) {
    for (const scope of scopes) assert.ok(parseScope(scope), scope);
    assert.equal(clientSecret !== undefined, authMethod === 'client_secret_basic');
    assert.equal(privateJwk !== undefined, authMethod === 'private_key_jwt');
  }
  const algorithms = live.map(({ privateJwk }) => privateJwk?.alg);
  for (const way of ['ES384', 'RS384', undefined]) assert.ok(algorithms.includes(way), String(way));
  assert.deepEqual(
    world.systems.slice(6).map(({ standing }) => standing),
    ['draft', 'suspended'],
  );
});

test('connections stand in every status, within the scopes of their systems, and at most one a pair', () => {
  const standing = world.connections.filter(({ superseded }) => !superseded);
  assert.deepEqual(
    new Set(standing.map(({ status }) => status)),
    new Set(['active', 'suspended', 'revoked', 'expired']),
  );
  assert.equal(new Set(standing.map((one) => one.organisationId + one.clientId)).size, standing.length);
  for (const {
    clientId,
    scopes,
    labels,
    events,
    status,
    endedAt,
    expiresAt,
    grantedAt,
  } of world.connections) {
    const system = world.systems.find((one) => one.clientId === clientId)!;
    assert.equal(system.standing, 'live');
    for (const scope of scopes) {
      const allowed = system.scopes.flatMap((one) => parseScope(one)!);
      assert.ok(
        parseScope(scope)!.every((permission) => allowed.includes(permission)),
        scope,
      );
    }
    assert.ok(labels.length > 0);
    assert.equal(events.at(-1)!.kind, status === 'active' ? 'granted' : status);
    assert.equal(endedAt !== null, status === 'revoked' || status === 'expired');
    if (status === 'active' && expiresAt) assert.ok(expiresAt > `${TODAY}T99`);
    assert.ok(
      [grantedAt, ...events.map(({ at }) => at)].every((at) => at < TODAY),
      'nothing happened after yesterday',
    );
  }
});

test('the journeys can be played: what the guides and examples start from is there', () => {
  const status = (kind: string, name: string) =>
    world.connections.findLast(
      ({ organisationId, clientId }) =>
        organisationId === byKind(kind).id &&
        world.systems.find((one) => one.clientId === clientId)!.name === name,
    )?.status;
  assert.equal(world.organisations[0]!.kind, 'hospital');
  assert.equal(status('hospital', 'Openward Shared Record'), 'active');
  assert.equal(status('hospital', 'Pulsehome Monitoring'), 'active');
  assert.equal(status('practice', 'Openward Shared Record'), undefined);
  assert.equal(status('practice', 'Postbridge Letters'), undefined);
  assert.equal(status('practice', 'Arrivo Text Invitations'), 'active');
  assert.equal(status('hospital', 'Arrivo Kiosk'), 'active');
  for (const { kind } of world.organisations) assert.equal(status(kind, 'Cohortia Extract'), undefined);
});

test('500 patients have valid, different NHS numbers of the test range and ids that route', () => {
  assert.equal(patients.length, 500);
  assert.equal(new Set(patients.map(({ nhsNumber }) => nhsNumber)).size, 500);
  assert.equal(new Set(patients.map(({ id }) => routeOf(id))).size, 500);
  for (const { nhsNumber } of patients)
    assert.ok(isNhsNumber(nhsNumber) && nhsNumber.startsWith('999'), nhsNumber);
});

test('about three in ten patients are registered with more than one organisation', () => {
  const several = patients.filter(({ registrations }) => registrations.length > 1).length / patients.length;
  assert.ok(several > 0.24 && several < 0.4, String(several));
  for (const { registrations } of patients) {
    for (const { organisationId, teamIds } of registrations) {
      const { teams } = world.organisations.find(({ id }) => id === organisationId)!;
      assert.ok(teamIds.includes(teams.find(({ isDefault }) => isDefault)!.id));
      assert.ok(teamIds.every((team) => teams.some(({ id }) => id === team)));
    }
  }
});

test('patients share everything, something and nothing, most of them general health alone', () => {
  const choices = patients.flatMap(({ registrations }) =>
    registrations.map(({ sharedLabels }) => sharedLabels.join()),
  );
  const share = (choice: string) => choices.filter((one) => one === choice).length / choices.length;
  assert.ok(share('GENERAL_HEALTH') > 0.45);
  assert.ok(share('') > 0.04);
  assert.ok(share('GENERAL_HEALTH,MENTAL_HEALTH,SEXUAL_HEALTH,SOCIAL_CARE') > 0.1);
});

test('patients are of all ages, and a few have died', () => {
  const ages = patients.map(({ birthDate }) => (Date.parse(TODAY) - Date.parse(birthDate)) / 31_557_600_000);
  const between = (from: number, to: number) => ages.filter((age) => age >= from && age < to).length;
  for (const [from, to] of [
    [0, 5],
    [5, 18],
    [18, 40],
    [40, 65],
    [65, 80],
    [80, 100],
  ] as const) {
    assert.ok(between(from, to) >= 20, `${from} to ${to}`);
  }
  assert.ok(ages.every((age) => age > 0 && age < 100));
  const dead = patients.filter(({ deceased }) => deceased).length;
  assert.ok(dead >= 3 && dead < 40, String(dead));
});

test('nobody can be reached: e-mail, telephone and post go nowhere', () => {
  const text = JSON.stringify([directory(world), patients.map(({ resources }) => resources[0])]);
  for (const [mail] of text.matchAll(/[\w.+-]+@[\w.-]+/g)) assert.match(mail, /@([\w-]+\.)*example\.org$/);
  for (const [url] of text.matchAll(/https?:\/\/[\w.-]+/g)) {
    assert.match(url, /^https?:\/\/([\w-]+\.example\.org|fhir\.nhs\.uk)$/);
  }
  for (const { resources } of patients) {
    const { telecom = [], address = [] } = resources[0]!.resource as import('@medplum/fhirtypes').Patient;
    for (const { system, value } of telecom) if (system === 'phone') assert.match(value!, /^07700 900\d{3}$/);
    for (const { postalCode } of address) assert.match(postalCode!, /^ZX\d \d[A-Z]{2}$/);
  }
});
