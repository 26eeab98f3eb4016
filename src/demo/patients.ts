import { newRootId } from '../ids.ts';
import type { Calendar } from './calendar.ts';
import { createChart, type DemoResource, type Subject } from './clinical/chart.ts';
import { tellStory } from './clinical/story.ts';
import { patientResource } from './demographics.ts';
import { makeName } from './names.ts';
import { testNhsNumbers } from './nhs-number.ts';
import type { DemoOrganisation } from './organisations.ts';
import { createRandom, type Random } from './random.ts';
import { type DemoRegistration, drawOrganisations, register } from './registrations.ts';
import type { DemoPerson } from './staff.ts';

export type DemoPatient = {
  id: string;
  nhsNumber: string;
  birthDate: string;
  family: string;
  given: string[];
  deceased: boolean;
  registrations: DemoRegistration[];
  /** The Patient resource first, then the record in the order in which it was written. */
  resources: DemoResource[];
};

type Parts = {
  seed: string;
  calendar: Calendar;
  organisations: readonly DemoOrganisation[];
  staff: readonly DemoPerson[];
  count: number;
  resourcesPerPatient: number;
};

/**
 * One patient after the other, so that memory stays flat however many are asked for. A patient depends on the seed
 * and the place in the sequence alone: the first hundred of a thousand are the hundred.
 */
export function* generatePatients({ seed, count, ...parts }: Parts): Generator<DemoPatient> {
  const numbers = testNhsNumbers();
  for (let index = 0; index < count; index += 1) {
    yield makePatient({
      ...parts,
      nhsNumber: numbers.next().value,
      random: createRandom(`${seed}/patients/${index}`),
    });
  }
}

type One = Omit<Parts, 'seed' | 'count'> & { nhsNumber: string; random: Random };

function makePatient({
  random,
  calendar,
  organisations,
  staff,
  resourcesPerPatient,
  nhsNumber,
}: One): DemoPatient {
  const sex = random.pick(['female', 'male'] as const);
  const age = drawAge(random);
  const birthDay = -Math.round(age * 365.25) - random.integer(1, 300);
  const died = random.chance(age > 82 ? 0.16 : age > 65 ? 0.05 : age > 40 ? 0.008 : 0);
  const lastDay = died ? -random.integer(20, 700) : -1;
  const subject: Subject = { id: newRootId(random.bytes), sex, birthDay, lastDay };
  const name = makeName(random, sex, age);
  const own = drawOrganisations(random, organisations);
  const demographics = patientResource({ random, calendar, subject, name, nhsNumber, first: own[0]!, died });

  const chart = createChart({
    random,
    calendar,
    subject,
    organisations: own,
    cliniciansOf: (organisation) => professionalsOf(staff, organisation),
  });
  const problems = tellStory(chart, resourcesPerPatient + random.integer(-9, 5));
  const written = chart.entries.toSorted((a, b) =>
    a.recordedAt < b.recordedAt ? -1 : a.recordedAt > b.recordedAt ? 1 : 0,
  );
  const registrations = own.map((organisation) =>
    register(random, calendar, subject, organisation, problems, written),
  );

  return {
    id: subject.id,
    nhsNumber,
    birthDate: calendar.date(birthDay),
    family: name.family,
    given: name.given,
    deceased: died,
    registrations,
    resources: [
      {
        id: subject.id,
        label: 'GENERAL_HEALTH',
        organisationId: own[0]!.id,
        recordedAt: registrations[0]!.registeredAt,
        resource: demographics,
      },
      ...written,
    ],
  };
}

/** In years; as in England, but with some more of those who use health services much. */
function drawAge(random: Random) {
  const [from, to] = random.weighted([
    [[0, 4], 6],
    [[5, 17], 12],
    [[18, 39], 24],
    [[40, 64], 30],
    [[65, 79], 19],
    [[80, 97], 9],
  ] as const);
  return random.integer(from, to);
}

function professionalsOf(staff: readonly DemoPerson[], organisation: DemoOrganisation) {
  const held = staff.filter(({ roles }) =>
    roles.some((role) => role.organisationId === organisation.id && role.role === 'professional'),
  );
  return held.map(({ name }) => name);
}
