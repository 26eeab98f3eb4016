import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';

export type MatchRow = DecisionRow & {
  matches: number;
  id: string | null;
  version: number | null;
  updated_at: Date | null;
  patient_id: string | null;
  content: string | null;
};

// What others wrote is no match: a condition keeps a sender from writing twice, and everybody writes for himself.
// Patients are the exception, as they are shared.
const MATCH = `
select ${DECISION}, coalesce(x.matches, 0) as matches, x.id, x.version, x.updated_at, x.patient_id, x.content
  from ${DECIDE} d
  left join lateral (
    select r.id, r.version, r.updated_at, r.patient_id, r.content, (count(*) over ())::integer as matches
      from fhir_identified($4, array[$5::text]) k join resource r on r.route = k.route and r.id = k.id
     where d.outcome = 'allowed' and r.type = $4 and ${purviewOf('r')}
       and (r.organisation_id = d.organisation_id or r.type = 'Patient')
     limit 1) x on true`;

/** How many resources hold the identifier entry, and the one if it is one. */
export function matchIdentifier(query: Query, asked: Asked, type: string, key: string) {
  return query<MatchRow>('fhir-match', MATCH, [...asked, type, key]);
}
