import type { DecisionRow } from '../store/purview.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusal-codes.ts';

/** What is to be answered, and what the audit record says about it. Bodies are FHIR JSON text, ready to send. */
export type Answer = {
  status: number;
  body: string | Buffer | null;
  /** Sent in the place of the body: what a Binary holds. */
  content?: Buffer;
  headers?: Record<string, string>;
  resourceId?: string;
  patients?: readonly string[];
  /** National numbers that were asked about and are nobody's that the caller may know of. */
  missed?: readonly string[];
  count?: number;
  /** What else the audit record says: counts and codes. */
  detail?: string;
};

/** What came of a request once it was decided. A refusal is a value here; one thrown means "before the decision". */
export type Outcome = { decision: DecisionRow; answer: Answer | Refusal };

/** The refusal that the decision is, or what `answer` makes of the row. */
export function afterDecision<Row extends DecisionRow>(
  rows: readonly Row[],
  answer: (row: Row, rows: readonly Row[]) => Answer | Refusal,
): Outcome {
  const decision = rows[0];
  if (!decision) throw new Error('a statement came back without its decision');
  if (decision.outcome !== 'allowed') {
    return { decision, answer: new Refusal(decision.outcome as RefusalCode) };
  }
  return { decision, answer: answer(decision, rows) };
}

/** `ETag` and `Last-Modified` of a version (R4 section 3.1.0.5). */
export function versionHeaders(version: number, updatedAt: Date): Record<string, string> {
  return { etag: `W/"${version}"`, 'last-modified': updatedAt.toUTCString() };
}
