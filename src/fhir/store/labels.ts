/** The privacy labels, in the order of their numbers: label n is bit n of a connection's and a patient's choices. */
export const PRIVACY_LABELS = ['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'] as const;
export type PrivacyLabel = (typeof PRIVACY_LABELS)[number];

export const PRIVACY_LABEL_SYSTEM = 'http://fhir.patientsknowbest.com/codesystem/privacy-label';
export const SOURCE_ORGANISATION_SYSTEM = 'http://fhir.patientsknowbest.com/codesystem/source-organization';
/** Of what a patient wrote, and no organisation. */
const SOURCE_PATIENT_SYSTEM = 'http://fhir.patientsknowbest.com/codesystem/source-patient';

/** The label of what was sent without one. */
export const GENERAL_HEALTH = PRIVACY_LABELS.indexOf('GENERAL_HEALTH');

/** What in `meta.security` is the server's to say, and nobody else's. */
export const SERVER_SYSTEMS: ReadonlySet<unknown> = new Set([
  PRIVACY_LABEL_SYSTEM,
  SOURCE_ORGANISATION_SYSTEM,
  SOURCE_PATIENT_SYSTEM,
]);

/** The number of a label, or undefined when there is none of that name. */
export function labelNumber(code: unknown): number | undefined {
  const number = PRIVACY_LABELS.indexOf(code as PrivacyLabel);
  return number < 0 ? undefined : number;
}
