import type { Followed } from '../http/call.ts';
import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';
import type { Key } from './read-together.ts';

type ContextRow = DecisionRow & { patient_id: string | null; label: number | null };

const CONTEXT = `
with d as materialized (select * from ${DECIDE})
select ${DECISION}, c.patient_id, c.label
  from d
  left join lateral (
    select r.patient_id, r.label from resource r
     where d.outcome = 'allowed' and r.route = $4 and r.id = $5 and r.type = $6
       and r.organisation_id = d.organisation_id and ${purviewOf('r')} offset 0) c on true`;

/** Whose the organisation's own resource is, and under which label; undefined when there is none that the caller may see. */
export async function findContext(
  query: Query,
  asked: Asked,
  { route, id, type }: Key,
): Promise<Followed | undefined> {
  const [row] = await query<ContextRow>('fhir-find-context', CONTEXT, [...asked, route, id, type]);
  return row && row.label !== null ? { patientId: row.patient_id, label: row.label } : undefined;
}
