import { parseScope } from './scopes.ts';

export type PlainWords = { title: string; detail: string };

/**
 * A scope as a person who knows no FHIR reads it: a title that says what the system may do ("See and add test
 * results and measurements") and a detail that says what is meant by it.
 */
export function inPlainWords(scope: string): PlainWords {
  const permissions = parseScope(scope) ?? [];
  const type = permissions[0]?.split('.', 1)[0];
  if (!type) return { title: scope, detail: 'A permission this version does not know: it gives nothing.' };
  const access = permissions.map((permission) => permission.slice(type.length + 1));
  const operation = OPERATION_WORDS[permissions[0]!];
  if (operation) return operation;
  const [noun, examples] = TYPE_WORDS[type] ?? [`${spaced(type)} records`, `FHIR ${type} resources.`];
  const verbs = verbsOf(access);
  return { title: `${capitalised(list(verbs))} ${noun}`, detail: examples };
}

function verbsOf(access: string[]): string[] {
  const has = (letter: string) => access.includes(letter);
  const seeing = has('s') ? ['see'] : has('r') ? ['open'] : [];
  const writing = [has('c') && 'add', has('u') && 'change', has('d') && 'delete'];
  return [...seeing, ...writing.filter((verb) => verb !== false)];
}

const list = (words: string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const spaced = (type: string): string => type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

const OPERATION_WORDS: Record<string, PlainWords | undefined> = {
  'Patient.$process-message': {
    title: 'Register patients one at a time',
    detail:
      'Create or update a registration with your organisation from a patient’s identifier and date of birth.',
  },
  'Patient.$register': {
    title: 'Register many patients at once',
    detail: 'Create or update registrations with your organisation from a list.',
  },
  'Patient.$status-query': {
    title: 'Ask which patients use their online record',
    detail: 'For your organisation’s patients: whether they have registered, and whether they have died.',
  },
  'Patient.$date-of-last-data-point': {
    title: 'Ask when patients’ records last changed',
    detail: 'The date of the newest entry, not the entry itself.',
  },
  'Organization.$generate-invitation-tokens': {
    title: 'Invite patients to their online record',
    detail: 'Make the codes with which a patient claims their record.',
  },
  'DocumentReference.$read-receipt-query': {
    title: 'See whether patients have read letters you sent',
    detail: 'Whether and when a patient first opened a letter of your organisation.',
  },
};

const TYPE_WORDS: Record<string, [noun: string, examples: string] | undefined> = {
  '*': ['everything in patients’ records', 'Every kind of record there is, now and later.'],
  AllergyIntolerance: ['allergies', 'Allergies and intolerances, with reactions.'],
  Appointment: ['appointments', 'Booked, attended and cancelled appointments.'],
  Binary: ['files', 'The contents of letters, scans and other attached files.'],
  CarePlan: ['care plans', 'Plans, their activities and goals.'],
  Condition: ['problems and diagnoses', 'Long-term conditions, current and past problems.'],
  Consent: ['sharing choices', 'What patients have agreed to share with your organisation.'],
  DiagnosticReport: ['reports of tests', 'Laboratory and imaging reports with their conclusions.'],
  DocumentReference: [
    'letters and documents',
    'Letters to patients, discharge summaries and other documents.',
  ],
  Encounter: ['visits and consultations', 'Hospital stays, clinic visits and consultations.'],
  Goal: ['goals', 'What a patient and their team want to reach.'],
  Immunization: ['vaccinations', 'Vaccines given, and those refused.'],
  Location: ['places of care', 'Clinics, wards and other places. No patient data.'],
  MedicationRequest: ['prescriptions', 'Medicines prescribed, with doses.'],
  MedicationStatement: ['medicines taken', 'Medicines a patient takes or took, with doses.'],
  Observation: [
    'test results and measurements',
    'Blood pressure, weight, blood tests and other measurements.',
  ],
  Organization: ['organisations', 'Names and codes of organisations. No patient data.'],
  Patient: ['patients’ details', 'Name, date of birth, NHS number, address and contact details.'],
  Practitioner: ['professionals’ details', 'Names and codes of staff. No patient data.'],
  Procedure: ['procedures', 'Operations and other procedures done or planned.'],
  Questionnaire: ['questionnaires', 'The questions, not the answers.'],
  QuestionnaireResponse: ['answered questionnaires', 'Patients’ answers to questionnaires.'],
  RelatedPerson: ['carers and relatives', 'People close to a patient, with contact details.'],
  ServiceRequest: ['referrals and requests', 'Referrals, and requests for tests.'],
};
