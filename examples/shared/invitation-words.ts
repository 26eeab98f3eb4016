/** Where patients join, on the service that has this FHIR base. */
export const joinAddress = (fhirBase: string): string => new URL('/join', fhirBase).href;

/** Why there is no invitation, for the people who run the program. */
const WORDS: Record<string, string | undefined> = {
  'already-registered': 'uses their record already',
  deceased: 'has died',
  'not-found': 'is not registered with the organisation',
  'birth-date-missing': 'has no date of birth on record, which joining asks for',
  'under-16': 'is under 16',
  'identifier-invalid': 'has no valid NHS number',
  'nhs-number-invalid': 'has no valid NHS number',
  'mobile-invalid': 'has no United Kingdom mobile number',
  repeated: 'is in the file already',
};

export const whyNot = (outcome: string): string => WORDS[outcome] ?? outcome;

/** `2027-01-31T…` as `31 January 2027`. */
export const lastDay = (expiry: string): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'Europe/London' }).format(new Date(expiry));

/** The number as `+447700900123`, or undefined when it is none of a United Kingdom mobile. */
export function mobileNumber(text: string): string | undefined {
  const [, national] = /^(?:\+?44|0)(7\d{9})$/.exec(text.replace(/[\s()-]/g, '')) ?? [];
  return national && `+44${national}`;
}
