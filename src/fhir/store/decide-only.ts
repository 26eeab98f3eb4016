import { DECIDE, DECISION, type DecisionRow } from './purview.ts';
import type { Asked, Query } from './query.ts';

const DECIDE_ONLY = `select ${DECISION} from ${DECIDE} d`;

/** The decision without data: for requests that are refused for another reason, and for the audit of them. */
export async function decideOnly(query: Query, asked: Asked): Promise<DecisionRow> {
  const [row] = await query<DecisionRow>('fhir-decide', DECIDE_ONLY, asked);
  if (!row) throw new Error('no decision came back');
  return row;
}
