-- For several searches at once: each of them finds its own among what was found for all, without asking again. As in
-- 0019 otherwise.
drop function fhir_identified;
create function fhir_identified(p_type text, p_keys text[])
returns table (route integer, id uuid, identifiers text[])
language sql stable security definer rows 2 set search_path = public, pg_temp as $$
  select r.route, r.id, r.identifiers
    from (select r.* from resource r where r.identifiers && p_keys offset 0) r
   where r.type = p_type
     and case when r.patient_id is null then r.organisation_id = app_organisation()
         else exists (select from registration g
                       where g.route = r.route and g.patient_id = r.patient_id
                         and g.organisation_id = app_organisation() offset 0) end
$$;
revoke all on function fhir_identified from public;
grant execute on function fhir_identified to cs_service;
