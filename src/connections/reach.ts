import type { Context } from '../context.ts';
import { type Acting, asStaff } from './acting.ts';
import { EVERY_LABEL } from './privacy-labels.ts';

export type Reach = {
  patients: number;
  /** How many resources of each type, most first; for a large organisation an estimate. */
  kinds: { type: string; count: number }[];
  /** True when `kinds` was counted for some of the patients and multiplied. */
  estimated: boolean;
};

/** Up to so many patients, every record is counted. */
const COUNTED_WHOLE = 500;
/** Of more, the records of so many are, and the rest is taken to be like these. */
const COUNTED_SAMPLE = 250;

/**
 * The most a connection with these labels and teams could reach: the organisation's purview, seen through the same
 * lock as its data. Patients are counted exactly. In a large organisation records are counted for 250 patients,
 * who are a fair sample because patients' ids begin with random bits, so that the page is as quick for 400,000
 * resources.
 */
export function createReach({ database }: Pick<Context, 'database'>) {
  return async function reach(
    acting: Pick<Acting, 'accountId' | 'organisationId'>,
    { labels, teams }: { labels: number; teams: string[] | null } = { labels: EVERY_LABEL, teams: null },
  ): Promise<Reach | null> {
    const { organisationId } = acting;
    const result = await asStaff(database.service, acting, async (client) => {
      await client.query({
        name: 'reach-narrow',
        text: `select set_config('app.labels', $1, true), set_config('app.teams', coalesce($2::uuid[]::text, ''), true)`,
        values: [String(labels), teams],
      });
      const registered = await client.query({
        name: 'reach-patients',
        text: 'select count(*) as patients from registration where organisation_id = $1',
        values: [organisationId],
      });
      const patients: number = registered.rows[0].patients;
      const counted = patients > COUNTED_WHOLE ? COUNTED_SAMPLE : patients;
      const { rows } = await client.query({
        name: 'reach-kinds',
        text: KINDS,
        values: [organisationId, counted],
      });
      return { patients, counted, kinds: rows };
    });
    if ('outcome' in result) return null;
    const { patients, counted } = result;
    const factor = counted > 0 ? patients / counted : 1;
    return {
      patients,
      kinds: result.kinds.map(({ type, count }) => ({ type, count: Math.round(count * factor) })),
      estimated: counted < patients,
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
