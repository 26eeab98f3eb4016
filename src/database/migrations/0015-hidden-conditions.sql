-- A conditional write that meets a row which its connection may not see was refused as contended, and so told that
-- the row is there. What is hidden is now as if it were not: it keeps nobody from writing.

-- Of an organisation's rows about patients whom a connection may see, only labels hide some.
drop index resource_once;
create unique index resource_once on resource (route, organisation_id, type, label, once_key) where once_key is not null;

-- Patients are hidden by teams as well.
create or replace function fhir_create_patient(
  p_id uuid, p_identifiers jsonb, p_birth_date date, p_deceased boolean, p_label smallint, p_once_key text,
  p_sort_from timestamptz, p_sort_to timestamptz, p_tokens text[], p_keys text[], p_strings text[],
  p_dates jsonb, p_numbers jsonb, p_content text
) returns table (outcome text, id uuid, version integer, updated_at timestamptz, content text)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  organisation uuid := app_organisation();
  at timestamptz := fhir_now();
  registered record;
begin
  if organisation is null or (app_labels() >> p_label) & 1 = 0 then
    return;
  end if;
  if p_once_key is not null then
    insert into patient_once (route, organisation_id, once_key, patient_id)
    values (fhir_route(organisation), organisation, p_once_key, p_id) on conflict do nothing;
    if not found then
      -- Made meanwhile: look again. One that this connection may not know of keeps nobody from writing.
      perform from patient_once o
         join resource r on r.route = fhir_route(o.patient_id) and r.id = o.patient_id
         join registration g on g.route = r.route and g.patient_id = r.id and g.organisation_id = organisation
        where o.route = fhir_route(organisation) and o.organisation_id = organisation and o.once_key = p_once_key
          and (app_labels() >> r.label) & 1 = 1 and coalesce(g.teams && app_teams(), true);
      if found then
        return query select 'repeated', null::uuid, null::integer, null::timestamptz, null::text;
        return;
      end if;
    end if;
  end if;
  registered := register_patient(p_id, fhir_route(p_id), p_identifiers, p_birth_date, p_deceased,
                                 coalesce(app_teams(), '{}'));
  if registered.outcome not in ('created', 'linked', 'known') then
    delete from patient_once where route = fhir_route(organisation) and organisation_id = organisation
                               and once_key = p_once_key and patient_id = p_id;
    return query select registered.outcome, null::uuid, null::integer, null::timestamptz, null::text;
    return;
  end if;
  if p_once_key is not null and registered.patient_id <> p_id then
    update patient_once set patient_id = registered.patient_id
     where route = fhir_route(organisation) and organisation_id = organisation and once_key = p_once_key
       and patient_id = p_id;
  end if;
  if app_teams() is not null and registered.outcome = 'known' then
    update registration g set teams = array(select distinct unnest(g.teams || app_teams()))
     where g.route = fhir_route(registered.patient_id) and g.patient_id = registered.patient_id
       and g.organisation_id = organisation and not g.teams && app_teams();
  end if;
  -- The new id is random, so it stands nowhere in the text but where the server put it.
  insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                        tokens, identifiers, strings, dates, numbers, content)
  values (fhir_route(registered.patient_id), registered.patient_id, 'Patient', registered.patient_id, organisation,
          p_label, 1, at, p_sort_from, p_sort_to, p_tokens, p_keys, p_strings, p_dates, p_numbers,
          fhir_filled(replace(p_content, p_id::text, registered.patient_id::text), 1, at, p_label))
  on conflict (route, id) do nothing;
  return query
    select case when r.updated_at = at and r.organisation_id = organisation and r.version = 1
                then 'created' else 'known' end,
           r.id, r.version, r.updated_at,
           case when (app_labels() >> r.label) & 1 = 1 then r.content end
      from resource r
     where r.route = fhir_route(registered.patient_id) and r.id = registered.patient_id;
end $$;
