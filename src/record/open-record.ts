import type { SectionName } from './sections.ts';
import type { Reader } from './store.ts';

/** A record that somebody has open: how it is read, and what the page says of the reading. */
export type OpenRecord = {
  patientId: string;
  /**
   * Runs `act` in one transaction for which the reader's own second lock was opened; null, and nothing is run, when
   * they may read nothing any more.
   */
  read: <Result>(act: (client: Reader) => Promise<Result>) => Promise<Result | null>;
  /** Makes the audit record durable: no answer leaves before. */
  record: (what: RecordRead) => Promise<void>;
  /** Parameters that every address of this record carries. */
  kept?: Record<string, string>;
  /** The reader is the patient: the page says 'your', and tells when somebody broke the glass. */
  own?: boolean;
  /** Where a letter opens; by default on the record's own page, which is no receipt. */
  letterPath?: (letterId: string) => string;
  /** Sections that have a page of their own elsewhere. */
  without?: readonly SectionName[];
  /** Opened for this patient alone: the page leads to no other. */
  locked?: boolean;
  /** Filled in by what `read` learns; for the page's notice of broken glass. */
  glass?: () => { until: Date | null; mayBreak: boolean };
};

/** One look into the record, for the audit. */
export type RecordRead = {
  section: SectionName | 'letter' | 'emergency access';
  outcome: 'allowed' | 'not-found';
  status: number;
  resourceType: string | null;
  resourceId: string | null;
  count: number;
};

/** A query string. */
export function parameters(values: Record<string, string | number>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) search.set(name, String(value));
  return search.toString();
}
