import type { Context } from '../context.ts';
import { type Acting, asStaff } from './acting.ts';

export type Reach = {
  patients: number;
  /** How many resources of each type, most first; for a large organisation an estimate. */
  kinds: { type: string; count: number }[];
  /** True when `kinds` was counted for some of the patients and multiplied. */
  estimated: boolean;
};

/** Patients whose records are counted one by one; beyond them the rest is taken to be like these. */
const COUNTED_PATIENTS = 250;

/**
 * The most a connection with every permission and label could reach: the organisation's purview, seen through the
 * same lock as its data. Patients are counted exactly. Records are counted for 250 patients, which is
 * a fair sample because patients' ids begin with random bits, so that the page is as quick for 400,000 resources.
 */
export function createReach({ database }: Pick<Context, 'database'>) {
  return async function reach(acting: Pick<Acting, 'accountId' | 'organisationId'>): Promise<Reach | null> {
    const result = await asStaff(database.service, acting, async (client) => {
      const registered = await client.query({
        name: 'reach-patients',
        text: 'select count(*) as patients from registration where organisation_id = $1',
        values: [acting.organisationId],
      });
      const kinds = await client.query({
        name: 'reach-kinds',
        text: KINDS,
        values: [acting.organisationId, COUNTED_PATIENTS],
      });
      return { patients: registered.rows[0].patients as number, kinds: kinds.rows };
    });
    if ('outcome' in result) return null;
    const factor = Math.max(1, result.patients / COUNTED_PATIENTS);
    return {
      patients: result.patients,
      kinds: result.kinds.map(({ type, count }) => ({ type, count: Math.round(count * factor) })),
      estimated: factor > 1,
    };
  };
}

const KINDS = `
  with counted as materialized (
    select route, patient_id from registration where organisation_id = $1 order by route, patient_id limit $2)
  select r.type, count(*) as count
    from counted n join resource r on r.route = n.route and r.patient_id = n.patient_id
   where r.type <> 'Patient'
   group by r.type
   order by count(*) desc, r.type`;
