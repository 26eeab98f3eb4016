import type { DocumentReference } from '@medplum/fhirtypes';
import type { PrivacyLabel } from '../fhir/store/labels.ts';
import { newResourceId } from '../ids.ts';
import { newInvitationPair } from '../invitations/codes.ts';
import { createCalendar } from './calendar.ts';
import type { DemoPatient } from './patients.ts';
import { createRandom } from './random.ts';
import { makePassword } from './staff.ts';
import type { World } from './world.ts';

export type DemoAccount = {
  id: string;
  patientId: string;
  organisationId: string;
  name: string;
  email: string;
  password: string;
  joinedAt: string;
};

export type DemoInvitation = {
  id: string;
  patientId: string;
  organisationId: string;
  code: string;
  token: string;
  createdAt: string;
  expiresAt: string;
};

export type DemoLetter = {
  id: string;
  patientId: string;
  organisationId: string;
  system: string;
  identifier: string;
  label: PrivacyLabel;
  /** null: it has not been read. */
  readAt: string | null;
};

/** Everybody who has joined or been invited is among so many first patients. */
export const AMONG_FIRST = 60;
const JOINED = 12;
const INVITED = 12;

/**
 * What the demo world holds for its patients as people: accounts (by patient), invitations whose codes are known, and
 * whether letters were read. A function of the world alone; the codes are as public as its other secrets.
 * @param patients the first of the world's patients, at least `AMONG_FIRST`
 */
export function patientsExtra(world: World, patients: readonly DemoPatient[]) {
  const calendar = createCalendar(world.today);
  const adults = patients
    .slice(0, AMONG_FIRST)
    .filter(({ deceased, birthDate }) => !deceased && birthDate < calendar.date(-17 * 366));
  const accounts = new Map(
    adults.slice(0, JOINED).map((patient, index) => [patient.id, makeAccount(world, patient, index)]),
  );
  const invitations = adults
    .slice(JOINED, JOINED + INVITED + 1)
    .map((patient, index) => makeInvitation(world, patient, index === INVITED ? -75 : -3));
  return {
    accounts,
    invitations,
    letters: patients.flatMap((patient) => lettersOf(world, patient, accounts.get(patient.id))),
  };
}

function makeAccount(world: World, patient: DemoPatient, index: number): DemoAccount {
  const random = createRandom(`${world.seed}/patient-account/${patient.id}`);
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, '');
  const given = patient.given[0]!;
  return {
    id: newResourceId(patient.id, random.bytes),
    patientId: patient.id,
    organisationId: patient.registrations[0]!.organisationId,
    name: `${given} ${patient.family}`,
    email: `${plain(given)}.${plain(patient.family)}.${patient.nhsNumber.slice(6)}@example.org`,
    password: makePassword(random),
    joinedAt: createCalendar(world.today).instant(-20 - 3 * index, 9 * 60 + index),
  };
}

const LIVES_DAYS = 70;

function makeInvitation(world: World, patient: DemoPatient, day: number): DemoInvitation {
  const random = createRandom(`${world.seed}/invitation/${patient.id}`);
  const calendar = createCalendar(world.today);
  // The pepper is this machine's own: the hashes are made where the rows are.
  const { code, token } = newInvitationPair(Buffer.alloc(32), random.bytes);
  return {
    id: newResourceId(patient.id, random.bytes),
    patientId: patient.id,
    organisationId: patient.registrations[0]!.organisationId,
    code,
    token,
    createdAt: calendar.instant(day, 10 * 60),
    expiresAt: calendar.instant(day + LIVES_DAYS, 10 * 60),
  };
}

/** Whoever has joined has read all letters but the newest, one every few days, from the day of joining on. */
function lettersOf(world: World, patient: DemoPatient, account: DemoAccount | undefined): DemoLetter[] {
  const letters = patient.resources.filter(({ resource }) => resource.resourceType === 'DocumentReference');
  return letters.map(({ id, organisationId, resource, label, recordedAt }, index) => {
    const { system, value } = (resource as DocumentReference).masterIdentifier!;
    const read = account !== undefined && index < letters.length - 1;
    return {
      id,
      patientId: patient.id,
      organisationId,
      system: system!,
      identifier: value!,
      label,
      readAt: read ? readingOf(world, id, recordedAt, account.joinedAt, index) : null,
    };
  });
}

/** Never before there was an account to read it with, nor in the future. */
function readingOf(world: World, id: string, sentAt: string, joinedAt: string, index: number): string {
  const random = createRandom(`${world.seed}/reading/${id}`);
  const [sent, joined] = [Date.parse(sentAt), Date.parse(joinedAt)];
  const days = random.integer(20, 28) / 10;
  const later =
    sent < joined ? joined + (index * days * 24 * 60 + random.integer(4, 90)) * 60_000 : sent + days * DAY_MS;
  return new Date(Math.max(sent, Math.min(later, Date.parse(world.today)))).toISOString();
}

const DAY_MS = 86_400_000;
