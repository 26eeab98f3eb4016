import { Refusal } from '../http/refusal.ts';
import type { JsonObject } from '../store/content.ts';
import { isNationalNumber, NATIONAL_SYSTEMS } from '../store/national-identifiers.ts';
import type { Identity } from '../store/write.ts';

/**
 * Who a Patient resource says the patient is, for all organisations: national identifiers, date of birth.
 * @throws {Refusal} when a number cannot be right, or there is no full date of birth to tell people apart by.
 */
export function identityOf(patient: JsonObject): Identity {
  const identifiers = ((patient.identifier ?? []) as JsonObject[])
    // A number that was replaced is history, not identity.
    .filter(({ system, use }) => NATIONAL_SYSTEMS.has(system as string) && use !== 'old')
    .map(({ system, value }) => ({ system: system as string, value: (value ?? '') as string }));
  const systems = new Set(identifiers.map(({ system }) => system));
  if (systems.size < identifiers.length || !identifiers.every(({ value }) => isNationalNumber(value))) {
    throw new Refusal('identifier-invalid');
  }
  const birthDate =
    typeof patient.birthDate === 'string' && patient.birthDate.length === 10 ? patient.birthDate : null;
  if (identifiers.length > 0 && birthDate === null) throw new Refusal('birth-date-needed');
  const deceased = patient.deceasedBoolean === true || patient.deceasedDateTime !== undefined;
  return { identifiers, birthDate, deceased };
}
