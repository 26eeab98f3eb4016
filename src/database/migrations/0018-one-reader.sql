-- A transaction reads for one: a patient, a professional or a system. Were two of them opened in one by mistake, each
-- lock would have given what the other withholds: the patient's own record to an organisation, or what a professional
-- broke the glass for to a system. The narrower now counts for nothing beside the other.

create or replace function app_patient() returns uuid language sql stable parallel safe
  return case when coalesce(current_setting('app.organisation', true), '') = ''
              then nullif(current_setting('app.patient', true), '')::uuid end;

create or replace function app_glass() returns uuid language sql stable parallel safe
  return case when coalesce(current_setting('app.connection', true), '') = ''
              then nullif(current_setting('app.glass', true), '')::uuid end;
