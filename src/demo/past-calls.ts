import type { AuditEntry } from '../audit/audit.ts';
import { newRootId } from '../ids.ts';
import { createCalendar } from './calendar.ts';
import type { DemoConnection } from './connections.ts';
import { NHS_NUMBER_SYSTEM } from './nhs-number.ts';
import { createRandom, type Random } from './random.ts';
import type { World } from './world.ts';

/** How far back calls go. */
const DAYS = 30;

type Person = { id: string; nhsNumber: string };
type Call = Pick<AuditEntry, 'interaction' | 'resourceType'> & {
  parameters?: [string, string][];
  resourceId?: string;
  count?: number;
  bytes: number;
};

/**
 * Calls that the systems of the demo world might have made in the last 30 days, oldest first, so that pages about
 * use have something to show. Systems whose access ended or was suspended go on for a while and are refused.
 * @param describe how the service writes down what was searched for, without what is personal
 */
export function pastCalls(world: World, describe: (parameters: [string, string][]) => string): AuditEntry[] {
  const calendar = createCalendar(world.today);
  const people = peopleOf(world);
  const entries: AuditEntry[] = [];

  for (const connection of world.connections.filter(({ superseded }) => !superseded)) {
    const system = world.systems.find(({ clientId }) => clientId === connection.clientId)!;
    const habit = HABITS[system.name];
    const own = people.get(connection.organisationId);
    if (!habit || !own) continue;
    const random = createRandom(`${world.seed}/calls/${connection.id}`);
    const address = `192.0.2.${random.integer(1, 254)}`;
    for (let day = -DAYS; day < 0; day += 1) {
      const weekend = calendar.workday(day) !== day;
      const visits = random.integer(habit.visits[0], habit.visits[1]);
      for (let visit = 0; visit < (weekend ? Math.ceil(visits * habit.weekend) : visits); visit += 1) {
        const person = random.pick(own);
        let minute = random.integer(7 * 60, 20 * 60);
        for (const call of habit.calls(person, random)) {
          const at = calendar
            .instant(day, minute)
            .replace('00.000Z', `${random.integer(10, 59)}.${random.integer(100, 999)}Z`);
          minute += 1;
          const outcome = outcomeAt(connection, at, random);
          if (outcome)
            entries.push(entryOf({ connection, call, person, at, outcome, address, random, describe }));
        }
      }
    }
  }
  return entries.sort((a, b) => a.at!.getTime() - b.at!.getTime());
}

/** 'allowed', a code of docs/errors.md, or nothing when the vendor had already stopped trying. */
function outcomeAt({ status, events }: DemoConnection, at: string, random: Random): string | undefined {
  const change = events.at(-1)!;
  if (status !== 'active' && at >= change.at) {
    // Schedules are not switched off at once: about three days of ever fewer attempts.
    const daysSince = (Date.parse(at) - Date.parse(change.at)) / 86_400_000;
    return random.chance(0.6 - daysSince / 5) ? `connection-${status}` : undefined;
  }
  if (random.chance(0.012)) return 'not-found';
  return 'allowed';
}

type Parts = {
  connection: DemoConnection;
  call: Call;
  person: Person;
  at: string;
  outcome: string;
  address: string;
  random: Random;
  describe: (parameters: [string, string][]) => string;
};

function entryOf({ connection, call, person, at, outcome, address, random, describe }: Parts): AuditEntry {
  const allowed = outcome === 'allowed';
  const { interaction, resourceType, parameters, resourceId, count, bytes } = call;
  return {
    kind: 'fhir',
    interaction,
    outcome,
    status: allowed ? (interaction === 'create' ? 201 : 200) : outcome === 'not-found' ? 404 : 403,
    requestId: newRootId(random.bytes),
    address,
    clientId: connection.clientId,
    connectionId: connection.id,
    organisationId: connection.organisationId,
    resourceType,
    resourceId: resourceId ?? null,
    query: parameters ? describe(parameters) : null,
    patients: allowed ? [person.id] : null,
    count: allowed ? (count ?? 1) : null,
    bytes: allowed ? bytes : 420,
    at: new Date(at),
  };
}

type Habit = {
  /** Patients a working day. */
  visits: readonly [min: number, max: number];
  /** The share of them that comes on a Saturday or Sunday. */
  weekend: number;
  calls: (person: Person, random: Random) => Call[];
};

const find = ({ nhsNumber }: Person): Call => ({
  interaction: 'search-type',
  resourceType: 'Patient',
  parameters: [['identifier', `${NHS_NUMBER_SYSTEM}|${nhsNumber}`]],
  bytes: 1450,
});
const list = (resourceType: string, { id }: Person, random: Random, count: number): Call => ({
  interaction: 'search-type',
  resourceType,
  parameters: [
    ['patient', id],
    ['_count', '50'],
  ],
  count: random.integer(0, count),
  bytes: random.integer(900, 24_000),
});
const add = (resourceType: string, random: Random): Call => ({
  interaction: 'create',
  resourceType,
  bytes: random.integer(800, 1600),
});

/** What each system does when it does its work, by name. */
const HABITS: Record<string, Habit | undefined> = {
  'Postbridge Letters': {
    visits: [3, 9],
    weekend: 0,
    calls: (person, random) => [find(person), add('DocumentReference', random)],
  },
  'Arrivo Kiosk': {
    visits: [4, 12],
    weekend: 0,
    calls: (person, random) => [find(person), list('Appointment', person, random, 2)],
  },
  'Arrivo Text Invitations': {
    visits: [1, 6],
    weekend: 0.3,
    calls: (person, random) => [find(person), list('Appointment', person, random, 3)],
  },
  'Openward Shared Record': {
    visits: [5, 14],
    weekend: 0.5,
    calls: (person, random) => [
      { interaction: 'read', resourceType: 'Patient', resourceId: person.id, bytes: 1450 },
      list('Condition', person, random, 6),
      list('AllergyIntolerance', person, random, 2),
      list('MedicationStatement', person, random, 6),
      ...(random.chance(0.6) ? [list('Observation', person, random, 30)] : []),
      ...(random.chance(0.3) ? [list('DocumentReference', person, random, 4)] : []),
    ],
  },
  'Pulsehome Monitoring': {
    visits: [6, 15],
    weekend: 1,
    calls: (person, random) => [...(random.chance(0.2) ? [find(person)] : []), add('Observation', random)],
  },
};

function peopleOf(world: World): Map<string, Person[]> {
  const people = new Map<string, Person[]>();
  for (const { id, nhsNumber, registrations } of world.patients()) {
    for (const { organisationId } of registrations) {
      people.set(organisationId, [...(people.get(organisationId) ?? []), { id, nhsNumber }]);
    }
  }
  return people;
}
