-- Plans that hold at any size. `offset 0` within an `exists` keeps the planner from the other way of asking it, which is
-- to read every registration of the organisation first: quick in a small database, and 0.6 ms for each statement at
-- 5,000 patients already. In the functions it keeps the one narrow index alone: combined with another (all resources of
-- the type) the search for one identifier read 10,000 entries of it.
create or replace function fhir_identified(p_type text, p_keys text[]) returns table (route integer, id uuid)
language sql stable security definer rows 2 set search_path = public, pg_temp as $$
  select r.route, r.id
    from (select r.* from resource r where r.identifiers && p_keys offset 0) r
   where r.type = p_type
     and case when r.patient_id is null then r.organisation_id = app_organisation()
         else exists (select from registration g
                       where g.route = r.route and g.patient_id = r.patient_id
                         and g.organisation_id = app_organisation() offset 0) end
$$;

create or replace function fhir_people(p_keys text[]) returns table (route integer, id uuid)
language sql stable security definer rows 20 set search_path = public, pg_temp as $$
  select r.route, r.id
    from (select r.* from resource r
           where fhir_person_keys(r.strings, r.sort_from) @> p_keys and r.type = 'Patient' offset 0) r
   where exists (select from registration g
                  where g.route = r.route and g.patient_id = r.patient_id
                    and g.organisation_id = app_organisation() offset 0)
$$;

alter policy purview on resource using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource.organisation_id = g.organisation_id or resource.type = 'Patient'
            or (g.shared_labels >> resource.label) & 1 = 1) offset 0)
  end);
alter policy purview on resource_version using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource_version.route and g.patient_id = resource_version.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource_version.organisation_id = g.organisation_id or resource_version.type = 'Patient'
            or (g.shared_labels >> resource_version.label) & 1 = 1) offset 0)
  end);
alter policy own_insert on resource with check (
  organisation_id = (select app_organisation()) and ((select app_labels()) >> label) & 1 = 1
  and (patient_id is null or exists (
    select from registration g where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation()) offset 0)));
