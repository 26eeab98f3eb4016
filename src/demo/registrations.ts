import { PRIVACY_LABELS, type PrivacyLabel } from '../fhir/store/labels.ts';
import type { Calendar } from './calendar.ts';
import type { DemoResource, Subject } from './clinical/chart.ts';
import type { HeldProblem } from './clinical/problem-list.ts';
import type { SpecialtyKey } from './clinical/services.ts';
import type { DemoOrganisation, OrganisationKind } from './organisations.ts';
import type { Random } from './random.ts';

export type DemoRegistration = {
  organisationId: string;
  teamIds: string[];
  registeredAt: string;
  /** What the patient lets this organisation see of what others wrote. */
  sharedLabels: PrivacyLabel[];
};

/** Whom a patient is registered with, the one that wrote the demographics first. */
export function drawOrganisations(
  random: Random,
  organisations: readonly DemoOrganisation[],
): DemoOrganisation[] {
  const kinds = random.weighted(REGISTRATIONS);
  return kinds.map((kind) => organisations.find((organisation) => organisation.kind === kind)!);
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

/** With the teams that look after the problems, and what the patient shares. */
export function register(
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
