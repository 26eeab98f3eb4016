import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createWorld, observationOf, type World } from '../../test/support/world.ts';
import { PRIVACY_LABELS } from './store/labels.ts';

/*
 * Random worlds and random requests: every answer must be that of the rules as they are written down here, in plain
 * values and without SQL.
 */

const ORGANISATIONS = 3;
const PATIENTS = 4;
const SYSTEMS = 4;

const index = (size: number) => fc.nat({ max: size - 1 });
const bits = fc.nat({ max: 15 });

const anyEntry = fc.record({
  by: index(ORGANISATIONS),
  /** PATIENTS stands for none. */
  patient: index(PATIENTS + 1),
  label: index(4),
  type: fc.constantFrom('Observation', 'Basic'),
  deleted: fc.boolean(),
});
const anyRegistration = fc.option(fc.record({ shares: bits, teams: fc.subarray([0, 1]) }), { freq: 4 });
const scopes = [
  'system/*.cruds',
  'system/*.rs',
  'system/Observation.r',
  'system/Observation.s',
  'system/Basic.rs',
  'system/*.s',
];
const anyConnection = fc.option(
  fc.record({
    scopes: fc.subarray(scopes, { minLength: 1 }),
    labels: fc.oneof(fc.constant(15), bits),
    teams: fc.option(fc.subarray([0, 1], { minLength: 1 }), { freq: 1 }),
    status: fc.constantFrom('active', 'active', 'active', 'active', 'revoked', 'suspended' as const),
  }),
  { freq: 6 },
);
const anyWorld = fc.record({
  entries: fc.array(anyEntry, { minLength: 6, maxLength: 14 }),
  registrations: fc.array(anyRegistration, {
    minLength: ORGANISATIONS * PATIENTS,
    maxLength: ORGANISATIONS * PATIENTS,
  }),
  connections: fc.array(anyConnection, {
    minLength: SYSTEMS * ORGANISATIONS,
    maxLength: SYSTEMS * ORGANISATIONS,
  }),
  tokens: fc.array(fc.subarray(scopes, { minLength: 1 }), { minLength: SYSTEMS, maxLength: SYSTEMS }),
});
type Plan = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;
type Entry = Plan['entries'][number] & { id: string };

const gives = (held: readonly string[], type: string, letter: string) =>
  held.some((scope) => {
    const [, of, letters] = /^system\/(.+)\.(\w+)$/.exec(scope)!;
    return (of === '*' || of === type) && letters!.includes(letter);
  });

/** What the rules say of a system's access: 'allowed' or a refusal's code. */
function decision(
  { connections, tokens }: Plan,
  system: number,
  organisation: number,
  type: string,
  letter: string,
) {
  const connection = connections[system * ORGANISATIONS + organisation];
  if (!connection) return 'connection-none';
  if (connection.status !== 'active') return `connection-${connection.status}`;
  const covered = gives(tokens[system]!, type, letter) && gives(connection.scopes, type, letter);
  return covered ? 'allowed' : 'scope-insufficient';
}

/** Whether the rules let a system see an entry for an organisation. */
function visible(
  { connections, registrations }: Plan,
  system: number,
  organisation: number,
  entry: Entry,
): boolean {
  const { labels, teams } = connections[system * ORGANISATIONS + organisation]!;
  if (!((labels >> entry.label) & 1)) return false;
  if (entry.patient === PATIENTS) return entry.by === organisation;
  const registration = registrations[organisation * PATIENTS + entry.patient];
  if (!registration) return false;
  if (teams && !teams.some((team) => registration.teams.includes(team))) return false;
  return entry.by === organisation || Boolean((registration.shares >> entry.label) & 1);
}

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

/** Makes a plan real. */
async function build(plan: Plan) {
  const { owner } = world.db.database;
  const organisations = await Promise.all(
    Array.from({ length: ORGANISATIONS }, async () => {
      const organisation = await world.organisation();
      return { ...organisation, teams: [organisation.teamId, (await world.team(organisation)).id] };
    }),
  );
  const patients = await Promise.all(
    Array.from({ length: PATIENTS }, () => world.patient(organisations[0]!)),
  );
  await owner.query('delete from registration where patient_id = any($1)', [patients.map(({ id }) => id)]);
  for (const [at, registration] of plan.registrations.entries()) {
    if (!registration) continue;
    const organisation = organisations[Math.floor(at / PATIENTS)]!;
    const teams = registration.teams.map((team) => organisation.teams[team]!);
    await world.register(patients[at % PATIENTS]!, organisation, { shares: registration.shares, teams });
  }
  const systems = [];
  for (let system = 0; system < SYSTEMS; system++) {
    const made = await world.system(['system/*.cruds']);
    for (const [at, organisation] of organisations.entries()) {
      const connection = plan.connections[system * ORGANISATIONS + at];
      if (!connection) continue;
      const teams = connection.teams?.map((team) => organisation.teams[team]!) ?? null;
      await world.connection(organisation, made, {
        ...connection,
        status: connection.status as 'active',
        teams,
      });
    }
    systems.push({ token: await world.token(made, { scopes: plan.tokens[system]! }) });
  }
  const entries: Entry[] = [];
  for (const entry of plan.entries) {
    const patient = patients[entry.patient];
    const { subject: _subject, ...body } = observationOf({ id: '' });
    const subject = patient && { reference: `Patient/${patient.id}` };
    const resource =
      entry.type === 'Basic'
        ? { resourceType: 'Basic', code: { text: 'x' }, subject }
        : { ...body, ...(subject && { subject }) };
    const label = PRIVACY_LABELS[entry.label]!;
    const { id } = await world.stored(organisations[entry.by]!, resource, {
      patientId: patient?.id ?? null,
      label,
    });
    if (entry.deleted) {
      await owner.query(
        `with gone as (delete from resource where id = $1 returning *)
         insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
         select route, id, version + n, type, patient_id, organisation_id, label, updated_at,
                case when n = 0 then content end from gone, generate_series(0, 1) n`,
        [id],
      );
    }
    entries.push({ ...entry, id });
  }
  return { organisations, patients, systems, entries };
}

test('in random worlds, every answer is that of the rules', async () => {
  let cases = 0;
  await fc.assert(
    fc.asyncProperty(anyWorld, async (plan) => {
      const { organisations, patients, systems, entries } = await build(plan);
      for (const [system, { token }] of systems.entries()) {
        for (const [at, organisation] of organisations.entries()) {
          const ask = (path: string) => world.fhir(organisation, token, path);
          for (const entry of entries) {
            const path = `/${entry.type}/${entry.id}`;
            const decided = decision(plan, system, at, entry.type, 'r');
            const seen = decided === 'allowed' && visible(plan, system, at, entry);
            const current = decided !== 'allowed' ? 403 : !seen ? 404 : entry.deleted ? 410 : 200;
            const kept = decided !== 'allowed' ? 403 : seen ? 200 : 404;
            for (const [suffix, expected] of [
              ['', current],
              ['/_history/1', kept],
              ['/_history', kept],
            ] as const) {
              const answer = await ask(path + suffix);
              cases++;
              assert.equal(answer.status, expected, path + suffix);
              if (expected === 403) assert.equal(answer.code, decided);
            }
          }
          for (const type of ['Observation', 'Basic']) {
            const decided = decision(plan, system, at, type, 's');
            const searches: [query: string, among: (entry: Entry) => boolean][] = [
              ['', () => true],
              ['_sort=-date', () => true],
              ['_sort=_lastUpdated', () => true],
              [`_id=${entries.map(({ id }) => id).join(',')}`, () => true],
              ...patients.map(({ id }, patient): [string, (entry: Entry) => boolean] => [
                `patient=${id}`,
                (entry) => entry.patient === patient,
              ]),
              [`subject=${patients.map(({ id }) => id).join(',')}`, ({ patient }) => patient !== PATIENTS],
            ];
            for (const [query, among] of searches) {
              if (type === 'Basic' && query === '_sort=-date') continue;
              const path = `/${type}?${query}&_count=200&_total=accurate`;
              const answer = await ask(path);
              cases++;
              if (decided !== 'allowed') {
                assert.equal(answer.code, decided, path);
                continue;
              }
              const expected = entries.filter(
                (entry) =>
                  entry.type === type && !entry.deleted && among(entry) && visible(plan, system, at, entry),
              );
              const found = (answer.json.entry ?? []).map(
                ({ resource }: { resource: { id: string } }) => resource.id,
              );
              assert.deepEqual(found.sort(), expected.map(({ id }) => id).sort(), path);
              assert.equal(answer.json.total, expected.length, path);
            }
          }
        }
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
  assert.ok(cases > 3000, `only ${cases} cases`);
});
