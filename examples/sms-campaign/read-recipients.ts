import { readTable } from '../shared/csv.ts';
import { isNhsNumber } from '../shared/find-patient.ts';
import { mobileNumber } from '../shared/invitation-words.ts';
import { UsageError } from '../shared/usage-error.ts';

export type Recipient = {
  line: number;
  nhsNumber: string;
  mobile: string;
  /** Why the row can come to nothing; it is its outcome, and the others go on. */
  fault?: 'nhs-number-invalid' | 'mobile-invalid' | 'repeated';
};

/**
 * The rows of a campaign's file. A row with a fault, or for a patient who stands above, is not for anybody's phone.
 * @throws {UsageError} when the file cannot be read or lacks a column
 */
export function readRecipients(file: string): Recipient[] {
  const seen = new Set<string>();
  const recipients = readTable(file, ['nhs_number', 'mobile']).map(({ line, cell }): Recipient => {
    const nhsNumber = cell('nhs_number').replace(/[\s-]/g, '');
    const mobile = mobileNumber(cell('mobile'));
    if (!isNhsNumber(nhsNumber)) return { line, nhsNumber, mobile: '', fault: 'nhs-number-invalid' };
    if (!mobile) return { line, nhsNumber, mobile: '', fault: 'mobile-invalid' };
    const fault = seen.has(nhsNumber) ? 'repeated' : undefined;
    seen.add(nhsNumber);
    return { line, nhsNumber, mobile, fault };
  });
  if (recipients.length === 0) throw new UsageError(`${file} names nobody.`);
  return recipients;
}
