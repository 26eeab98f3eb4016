import type { Resource } from '@medplum/fhirtypes';
import { allergyView } from './views/allergy.ts';
import { appointmentView } from './views/appointment.ts';
import { conditionView } from './views/condition.ts';
import type { EntryView } from './views/entry.ts';
import { letterView } from './views/letter.ts';
import { medicineView } from './views/medicine.ts';
import { reportView } from './views/report.ts';
import { vaccinationView } from './views/vaccination.ts';
import { visitView } from './views/visit.ts';

/** A part of the record that is one list of entries. */
export type ListSection = {
  title: string;
  /** FHIR types, all of them bound to the patient. */
  types: readonly string[];
  /** The heading of what is of use now, and of what is over; null where time makes no difference. */
  groups: { current: string; past: string } | null;
  /** The headings of the first two columns. */
  columns: [what: string, when: string];
  empty: string;
  view: (resource: Resource) => EntryView;
};

/** `view` is only ever given resources of the types beside it: the statement reads no others. */
const view = <Type>(of: (resource: Type) => EntryView) => of as (resource: unknown) => EntryView;

export const LISTS = {
  problems: {
    title: 'Problems',
    types: ['Condition'],
    groups: { current: 'Problems', past: 'Past problems' },
    columns: ['Problem', 'Since'],
    empty: 'No problems or diagnoses are recorded.',
    view: view(conditionView),
  },
  medicines: {
    title: 'Medicines',
    types: ['MedicationStatement', 'MedicationRequest'],
    groups: { current: 'Medicines', past: 'Past medicines' },
    columns: ['Medicine', 'Date'],
    empty: 'No medicines are recorded.',
    view: view(medicineView),
  },
  allergies: {
    title: 'Allergies',
    types: ['AllergyIntolerance'],
    groups: { current: 'Allergies and intolerances', past: 'Past allergies and intolerances' },
    columns: ['Allergy', 'Since'],
    empty: 'Nothing is recorded about allergies: neither an allergy nor that there is none.',
    view: view(allergyView),
  },
  reports: {
    title: 'Reports',
    types: ['DiagnosticReport'],
    groups: null,
    columns: ['Report', 'Date'],
    empty: 'No reports of tests or scans are recorded.',
    view: view(reportView),
  },
  letters: {
    title: 'Letters',
    types: ['DocumentReference'],
    groups: null,
    columns: ['Letter', 'Date'],
    empty: 'There are no letters or documents.',
    view: view(letterView),
  },
  appointments: {
    title: 'Appointments',
    types: ['Appointment'],
    groups: { current: 'Appointments to come', past: 'Past appointments' },
    columns: ['Appointment', 'When'],
    empty: 'No appointments are recorded.',
    view: view(appointmentView),
  },
  visits: {
    title: 'Visits',
    types: ['Encounter'],
    groups: null,
    columns: ['Visit or contact', 'When'],
    empty: 'No visits or other contacts are recorded.',
    view: view(visitView),
  },
  vaccinations: {
    title: 'Vaccinations',
    types: ['Immunization'],
    groups: null,
    columns: ['Vaccine', 'Date'],
    empty: 'No vaccinations are recorded.',
    view: view(vaccinationView),
  },
} satisfies Record<string, ListSection>;

export type ListName = keyof typeof LISTS;
export type SectionName = 'summary' | 'results' | ListName;

/** The sections in the order of their tabs. */
export const SECTIONS: readonly { name: SectionName; title: string }[] = [
  { name: 'summary', title: 'Summary' },
  { name: 'problems', title: LISTS.problems.title },
  { name: 'medicines', title: LISTS.medicines.title },
  { name: 'allergies', title: LISTS.allergies.title },
  { name: 'results', title: 'Results' },
  { name: 'reports', title: LISTS.reports.title },
  { name: 'letters', title: LISTS.letters.title },
  { name: 'appointments', title: LISTS.appointments.title },
  { name: 'visits', title: LISTS.visits.title },
  { name: 'vaccinations', title: LISTS.vaccinations.title },
];

/** All that any section shows. */
export const SHOWN_TYPES: readonly string[] = [
  'Observation',
  ...Object.values(LISTS).flatMap(({ types }) => types),
];

/** What the summary shows the beginning of. */
export const SUMMARY: readonly ListName[] = ['allergies', 'problems', 'medicines'];

/** The section of an address; one that is not known, or not shown here, is the summary. */
export const sectionOf = (name: unknown, without: readonly SectionName[] = []): SectionName =>
  SECTIONS.find((section) => section.name === name && !without.includes(section.name))?.name ?? 'summary';

/** The kind of record that a section is of, where it is of one. */
export function typeOf(section: SectionName): string | null {
  if (section === 'results') return 'Observation';
  if (section === 'summary') return null;
  const { types } = LISTS[section];
  return types.length === 1 ? types[0]! : null;
}
