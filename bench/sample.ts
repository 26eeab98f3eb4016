import type { ClientBase } from 'pg';
import { NHS_NUMBER_SYSTEM } from '../src/demo/nhs-number.ts';
import { bareEntry } from '../src/fhir/search-index/entries.ts';

/** What is asked for, drawn at random from what the measuring system may see. */
export type Sample = {
  organisationId: string;
  patients: { id: string; nhsNumber: string }[];
  resources: { type: string; id: string }[];
  category: string;
  /** YYYY-MM-DD: about half of the Observations are of this day or later. */
  since: string;
};

const SIZE = 5000;
const CATEGORY = 'vital-signs';

/** Draws a sample, large enough that what is asked for is spread over the data as it would be in use. */
export async function drawSample(client: ClientBase, organisationId: string): Promise<Sample> {
  const patients = await client.query(
    `select i.patient_id as id, i.value as "nhsNumber"
       from registration g join patient_identifier i on i.route = g.route and i.patient_id = g.patient_id
      where g.organisation_id = $1 and i.system = $2 order by md5(i.value) limit $3`,
    [organisationId, NHS_NUMBER_SYSTEM, SIZE],
  );
  const resources = await client.query(
    `select r.type, r.id
       from resource r tablesample bernoulli (10) repeatable (1)
       join registration g on g.route = r.route and g.patient_id = r.patient_id
      where g.organisation_id = $1 and r.organisation_id = $1 order by md5(r.id::text) limit $2`,
    [organisationId, SIZE],
  );
  const middle = await client.query(
    `select to_char(percentile_disc(0.5) within group (order by sort_from), 'YYYY-MM-DD') as since
       from resource tablesample bernoulli (10) repeatable (1)
      where type = 'Observation' and tokens @> array[$1]`,
    [bareEntry('category', CATEGORY)],
  );
  return {
    organisationId,
    patients: patients.rows,
    resources: resources.rows,
    category: CATEGORY,
    since: middle.rows[0].since,
  };
}
