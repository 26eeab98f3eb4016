import type { Encounter, Organization, Patient, Practitioner, Reference, Resource } from '@medplum/fhirtypes';
import type { PrivacyLabel } from '../../fhir/store/labels.ts';
import { newResourceId } from '../../ids.ts';
import type { Calendar } from '../calendar.ts';
import type { Sex } from '../names.ts';
import type { DemoOrganisation, OrganisationKind } from '../organisations.ts';
import type { Random } from '../random.ts';

/** One entry of a patient's record, and what the server keeps beside it. */
export type DemoResource = {
  id: string;
  label: PrivacyLabel;
  /** The organisation that wrote it. */
  organisationId: string;
  /** When it was written, which is `meta.lastUpdated`; a FHIR instant. */
  recordedAt: string;
  resource: Resource;
};

/** Somebody saw or dealt with the patient: what is written then shares time, place, author and label. */
export type Contact = {
  day: number;
  /** From midnight. */
  minute: number;
  organisation: DemoOrganisation;
  clinician: string;
  label: PrivacyLabel;
  encounter?: Reference<Encounter>;
};

/** Who the record is about, as far as medicine is concerned; days are counted as in the calendar. */
export type Subject = { id: string; sex: Sex; birthDay: number; lastDay: number };

type Parts = {
  random: Random;
  calendar: Calendar;
  subject: Subject;
  organisations: readonly DemoOrganisation[];
  cliniciansOf: (organisation: DemoOrganisation) => readonly string[];
};

export type Chart = ReturnType<typeof createChart>;

/** A record that is being written: keeps entries in the order in which they are added, and gives them ids. */
export function createChart({ random, calendar, subject, organisations, cliniciansOf }: Parts) {
  const entries: DemoResource[] = [];
  const patient: Reference<Patient> = { reference: `Patient/${subject.id}` };

  return {
    random,
    calendar,
    subject,
    patient,
    entries,
    ageAt: (day: number) => (day - subject.birthDay) / 365.25,

    /** A working day's contact with the organisation that most likely provides it. */
    contact: (day: number, by: readonly OrganisationKind[], label: PrivacyLabel): Contact => {
      const able = by.flatMap((kind) => organisations.filter((organisation) => organisation.kind === kind));
      // The second likeliest now and then, so that both organisations of a patient write everything.
      const organisation = able.length > 1 && random.chance(0.25) ? able[1]! : able[0]!;
      return {
        day: Math.max(subject.birthDay, Math.min(calendar.workday(day), subject.lastDay)),
        minute: 8 * 60 + 30 + 10 * random.integer(0, 50),
        organisation,
        clinician: random.pick(cliniciansOf(organisation)),
        label,
      };
    },

    /** Adds an entry and answers a reference to it. It was written a little after the contact. */
    add: <T extends Resource>(contact: Contact, draft: T, recorded = contact): Reference<T> => {
      const id = newResourceId(subject.id, random.bytes);
      const { resourceType, ...rest } = draft;
      entries.push({
        id,
        label: contact.label,
        organisationId: contact.organisation.id,
        recordedAt: calendar.instant(recorded.day, recorded.minute + 12),
        resource: { resourceType, id, ...rest } as unknown as Resource,
      });
      return { reference: `${resourceType}/${id}` } as Reference<T>;
    },

    at: ({ day, minute }: Contact, later = 0) => calendar.instant(day, minute + later),
    author: ({ clinician }: Contact): Reference<Practitioner> => ({ display: clinician }),
    provider: ({ organisation }: Contact) => providerReference(organisation),
  };
}

/** Organisations are named by their ODS code, for they need not be FHIR resources in the store. */
export function providerReference({ odsCode, name }: DemoOrganisation): Reference<Organization> {
  return {
    type: 'Organization',
    identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: odsCode },
    display: name,
  };
}
