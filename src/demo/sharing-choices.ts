import type { ClientBase } from 'pg';
import { createCalendar } from './calendar.ts';
import type { World } from './world.ts';

/**
 * Has every patient who shares something have chosen it, with the Consent that says so. The ids follow from whom they
 * are about, so that they are the same everywhere.
 */
const CHOOSE = `
  with chosen as materialized (
    select g.route, g.patient_id, g.organisation_id, g.shared_labels as labels,
           greatest(g.registered_at, $1::timestamptz) as at,
           overlay(overlay(left(g.patient_id::text, 8) || substr(h.id, 9) placing '8' from 15) placing 'a' from 20)::uuid as id
      from registration g
     cross join lateral (select md5(g.patient_id::text || g.organisation_id)::uuid::text as id) h
     where g.shared_labels <> 0),
  kept as (
    insert into sharing_choice (route, patient_id, id, organisation_id, at, labels_before, labels)
    select route, patient_id, id, organisation_id, at, 0, labels from chosen)
  select count(keep_sharing_consent(patient_id, organisation_id, labels, id, at)) from chosen`;

export async function insertSharingChoices(client: ClientBase, { today }: World): Promise<void> {
  await client.query(CHOOSE, [createCalendar(today).instant(-365, 12 * 60)]);
}
