import { KINDS } from '../oauth/kinds-of-record.ts';

/** What people call the records of a FHIR type, in the plural, to begin a line: 'Letters and documents'. */
export function kindInWords(type: string): string {
  const words = KINDS[type]?.many ?? `${type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()} records`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
