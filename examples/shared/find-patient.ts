import type { Patient } from '@medplum/fhirtypes';
import type { FhirClient } from './fhir-client.ts';
import { UsageError } from './usage-error.ts';

export const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';

/** The one patient with this NHS number who is registered with the organisation; undefined when there is none. */
export async function findPatient(client: FhirClient, nhsNumber: string): Promise<Patient | undefined> {
  const digits = checkedNhsNumber(nhsNumber);
  for await (const patient of client.search('Patient', { identifier: `${NHS_NUMBER}|${digits}` }))
    return patient;
  return undefined;
}

export const nhsNumberOf = (patient: Patient): string | undefined =>
  patient.identifier?.find(({ system }) => system === NHS_NUMBER)?.value;

/** Ten digits with the right check digit: a slip of one digit must not become another person. */
export function checkedNhsNumber(text: string): string {
  const digits = text.replace(/[\s-]/g, '');
  if (!isNhsNumber(digits)) throw new UsageError(`${text} is not an NHS number.`);
  return digits;
}

export function isNhsNumber(digits: string): boolean {
  const numbers = [...digits].map(Number);
  const sum = numbers.slice(0, 9).reduce((total, digit, index) => total + digit * (10 - index), 0);
  return /^\d{10}$/.test(digits) && (11 - (sum % 11)) % 11 === numbers[9];
}
