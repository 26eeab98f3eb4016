/** The systems by which a patient is one and the same for all organisations. */
export const NATIONAL_SYSTEMS: ReadonlySet<string> = new Set([
  'https://fhir.nhs.uk/Id/nhs-number',
  'urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53', // CHI, Scotland
  'urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158', // Health and Care, Northern Ireland
]);

/**
 * Ten digits, the last a check digit, modulus 11: NHS, CHI and Health and Care numbers are of one numbering scheme.
 */
export function isNationalNumber(value: string): boolean {
  if (!/^\d{10}$/.test(value)) return false;
  let sum = 0;
  for (let index = 0; index < 9; index++) sum += digitAt(value, index) * (10 - index);
  const check = 11 - (sum % 11);
  return check !== 10 && (check === 11 ? 0 : check) === digitAt(value, 9);
}

const digitAt = (value: string, index: number) => value.charCodeAt(index) - 48;
