import type { Patient } from '@medplum/fhirtypes';
import { PRIVACY_LABELS, type PrivacyLabel } from '../fhir/store/labels.ts';
import { newRootId } from '../ids.ts';
import { makeAddress } from './addresses.ts';
import type { Calendar } from './calendar.ts';
import { createChart, type DemoResource, providerReference, type Subject } from './clinical/chart.ts';
import type { HeldProblem } from './clinical/problem-list.ts';
import type { SpecialtyKey } from './clinical/services.ts';
import { tellStory } from './clinical/story.ts';
import { makeName, type Sex } from './names.ts';
import { NHS_NUMBER_SYSTEM, testNhsNumbers } from './nhs-number.ts';
import type { DemoOrganisation, OrganisationKind } from './organisations.ts';
import { createRandom, type Random } from './random.ts';
import type { DemoPerson } from './staff.ts';

export type DemoRegistration = {
  organisationId: string;
  teamIds: string[];
  registeredAt: string;
  /** What the patient lets this organisation see of what others wrote. */
  sharedLabels: PrivacyLabel[];
};

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
  const kinds = random.weighted(REGISTRATIONS);
  const own = kinds.map((kind) => organisations.find((organisation) => organisation.kind === kind)!);
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

/** Three in ten patients belong to more than one organisation. */
const REGISTRATIONS: readonly (readonly [OrganisationKind[], number])[] = [
  [['hospital'], 30],
  [['practice'], 28],
  [['community'], 12],
  [['hospital', 'practice'], 17],
  [['practice', 'community'], 8],
  [['hospital', 'community'], 4],
  [['practice', 'hospital', 'community'], 1],
];

const SHARING: readonly (readonly [readonly PrivacyLabel[], number])[] = [
  [['GENERAL_HEALTH'], 55],
  [PRIVACY_LABELS, 20],
  [[], 10],
  [['GENERAL_HEALTH', 'SOCIAL_CARE'], 8],
  [['GENERAL_HEALTH', 'MENTAL_HEALTH'], 7],
];

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

const TEAM_FOR: Partial<Record<SpecialtyKey, string>> = {
  cardiology: 'Cardiology',
  diabetes: 'Diabetes and Endocrinology',
  respiratory: 'Respiratory Medicine',
  children: 'Children and Young People',
  therapies: 'Talking Therapies',
  sexualHealth: 'Sexual Health Clinic',
  socialCare: 'Adult Social Care Liaison',
};

function register(
  random: Random,
  calendar: Calendar,
  { birthDay }: Subject,
  organisation: DemoOrganisation,
  problems: readonly HeldProblem[],
  written: readonly DemoResource[],
): DemoRegistration {
  const names = new Set(problems.map(({ problem }) => TEAM_FOR[problem.specialty]));
  if (problems.some(({ problem }) => problem.monitoring.length > 0)) names.add('Long-term Conditions Clinic');
  const first = written.find(({ organisationId }) => organisationId === organisation.id)?.recordedAt;
  // Before the first entry of the organisation, and in no case before birth.
  const entered = Math.floor(
    (Date.parse(first ?? calendar.instant(-30, 0)) - Date.parse(calendar.instant(0, 0))) / 86_400_000,
  );
  return {
    organisationId: organisation.id,
    teamIds: organisation.teams
      .filter(({ isDefault, name }) => isDefault || names.has(name))
      .map(({ id }) => id),
    registeredAt: calendar.instant(Math.max(birthDay, entered - random.integer(1, 120)), 0),
    sharedLabels: [...random.weighted(SHARING)],
  };
}

type Demographics = {
  random: Random;
  calendar: Calendar;
  subject: Subject;
  name: ReturnType<typeof makeName>;
  nhsNumber: string;
  first: DemoOrganisation;
  died: boolean;
};

function patientResource({ random, calendar, subject, name, nhsNumber, first, died }: Demographics): Patient {
  const adult = subject.lastDay - subject.birthDay > 16 * 365;
  // Numbers of this range are kept for drama (Ofcom) and ring nowhere.
  const mobile = `07700 900${String(random.integer(0, 999)).padStart(3, '0')}`;
  const mail = [name.given[0]!, name.family, nhsNumber.slice(6)]
    .join('.')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, '');
  return {
    resourceType: 'Patient',
    id: subject.id,
    identifier: [{ use: 'official', system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
    active: true,
    name: [{ use: 'official', family: name.family, given: name.given, prefix: [name.prefix] }],
    telecom: [
      { system: 'phone', value: mobile, use: 'mobile' },
      ...(adult && random.chance(0.7)
        ? [{ system: 'email' as const, value: `${mail}@example.org`, use: 'home' as const }]
        : []),
    ],
    gender: subject.sex satisfies Sex,
    birthDate: calendar.date(subject.birthDay),
    ...(died && { deceasedDateTime: calendar.date(subject.lastDay) }),
    address: [makeAddress(random)],
    managingOrganization: providerReference(first),
  };
}
