-- What the FHIR room needs of the database beyond the tables: texts completed by the statement that writes them,
-- the purview of identifiers, and patients kept in step with their Patient resources.

-- Pages are cut by a plain row comparison on (sort_from, id): '-infinity' stands for "no date".
update resource set sort_from = '-infinity' where sort_from is null;
update resource set sort_to = '-infinity' where sort_to is null;
alter table resource alter column sort_from set not null, alter column sort_from set default '-infinity',
                     alter column sort_to set not null, alter column sort_to set default '-infinity';

-- Most rows stay whole: a search looks at the tokens of each of a patient's rows, and taking them out of compression
-- for that cost more than finding them.
alter table resource set (toast_tuple_target = 4080);

-- Polling for what changed reads what was written lately. New entries go to the index's end, so it costs a write little.
create index resource_updated on resource (type, updated_at);

-- A person who reads a record (a patient their own, staff behind broken glass) sees by further policies. They are
-- this role's, which act_for_patient() and act_for_record() take for their transaction: on the way of every request
-- of a system they made a search cost twice as much.
do $$
begin
  create role cs_person nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant cs_service to cs_person;
do $$
begin
  if not pg_has_role(current_user, 'cs_person', 'member') then
    execute format('grant cs_person to %I', current_user);
  end if;
end $$;

------------------------------------------------------------------------------------------------- purview
-- The connection's labels mask everything, an organisation's own lists and questionnaires too. A patient's
-- demographics are shared by all organisations that the patient is registered with.
-- `(select app_…())` is asked once a statement, when the first row comes up, not for each row; every statement has made
-- its decision by then, and one that had not would see nothing.
drop policy own_registrations on registration;
create policy own_registrations on registration for select to cs_service using (
  organisation_id = (select app_organisation())
  and ((select app_teams()) is null or teams && (select app_teams())));

drop policy purview on resource;
create policy purview on resource for select to cs_service using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource.organisation_id = g.organisation_id or resource.type = 'Patient'
            or (g.shared_labels >> resource.label) & 1 = 1))
  end);
drop policy purview on resource_version;
create policy purview on resource_version for select to cs_service using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource_version.route and g.patient_id = resource_version.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource_version.organisation_id = g.organisation_id or resource_version.type = 'Patient'
            or (g.shared_labels >> resource_version.label) & 1 = 1))
  end);

drop policy own_insert on resource;
create policy own_insert on resource for insert to cs_service with check (
  organisation_id = (select app_organisation()) and ((select app_labels()) >> label) & 1 = 1
  and (patient_id is null or exists (
    select from registration g where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation()))));
drop policy own_update on resource;
create policy own_update on resource for update to cs_service
  using (organisation_id = (select app_organisation()))
  with check (organisation_id = (select app_organisation()) and ((select app_labels()) >> label) & 1 = 1);

-- Row-level security keeps `@>` from using an index (it is not leakproof, and only a superuser could say that it
-- is), so identifiers are looked up here. The rows it names are read under the policies like any others; that it
-- names only patients registered with the organisation keeps its answers within the purview by itself.
create function fhir_identified(p_type text, p_keys text[]) returns table (route integer, id uuid)
language sql stable security definer rows 2 set search_path = public, pg_temp as $$
  select r.route, r.id from resource r
   where r.identifiers && p_keys and r.type = p_type
     and case when r.patient_id is null then r.organisation_id = app_organisation()
         else exists (select from registration g
                       where g.route = r.route and g.patient_id = r.patient_id
                         and g.organisation_id = app_organisation()) end
$$;
revoke all on function fhir_identified from public;
grant execute on function fhir_identified to cs_service;

-- Patients by the beginnings of their names and their day of birth, in the same way: the first three letters narrow
-- enough, and the search's own conditions do the rest (fhir/search/people.ts makes the same keys).
create function fhir_person_keys(strings text[], born timestamptz) returns text[] language sql immutable parallel safe
  return array(select distinct left(s, strpos(s, '=') + 3) from unnest(strings) s where s ~ '^(family|given|name)=...')
         || array(select 'birthdate=' || (born at time zone 'UTC')::date where isfinite(born));
create index resource_person on resource using gin (fhir_person_keys(strings, sort_from)) with (fastupdate = off)
  where type = 'Patient';

create function fhir_people(p_keys text[]) returns table (route integer, id uuid)
language sql stable security definer rows 20 set search_path = public, pg_temp as $$
  select r.route, r.id from resource r
   where fhir_person_keys(r.strings, r.sort_from) @> p_keys and r.type = 'Patient'
     and exists (select from registration g
                  where g.route = r.route and g.patient_id = r.patient_id and g.organisation_id = app_organisation())
$$;
revoke all on function fhir_people from public;
grant execute on function fhir_people to cs_service;

------------------------------------------------------------------------------------------------- content
create function fhir_instant(at timestamptz) returns text language sql stable parallel safe
  return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The time of a write: whole milliseconds, as it is shown, and never before the version that it replaces.
create function fhir_now(after timestamptz default '-infinity') returns timestamptz language sql volatile
  return greatest(date_trunc('milliseconds', clock_timestamp()), after + interval '1 millisecond');

-- Puts version, time and label where the text has a mark for them (fhir/store/content.ts).
create function fhir_filled(content text, version integer, at timestamptz, label smallint) returns text
language sql stable parallel safe
  return replace(replace(replace(content, chr(1), version::text), chr(2), fhir_instant(at)),
                 chr(3), (array['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'])[label + 1]);

------------------------------------------------------------------------------------------------ patients
-- Conditional creates of patients by an organisation's own number: one patient for a key, however concurrent.
-- (For all else resource_once does it: those rows share the routing key of their owner, a new patient's is its own.)
create table patient_once (
  route integer not null,         -- of the organisation
  organisation_id uuid not null,
  once_key text not null,
  patient_id uuid not null,
  primary key (route, organisation_id, once_key)
);
create index patient_once_patient on patient_once (patient_id);

create function fhir_route(id uuid) returns integer language sql immutable strict parallel safe
  return ('x' || left(id::text, 8))::bit(32)::integer;

-- Registers the patient and stores the Patient resource, or finds the one that is there. The policies cannot see
-- a registration made by the same statement, so this asks for itself what they would.
create function fhir_create_patient(
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
      return query select 'repeated', null::uuid, null::integer, null::timestamptz, null::text;
      return;
    end if;
  end if;
  registered := register_patient(p_id, fhir_route(p_id), p_identifiers, p_birth_date, p_deceased,
                                 coalesce(app_teams(), '{}'));
  if registered.outcome not in ('created', 'linked', 'known') then
    delete from patient_once where route = fhir_route(organisation) and organisation_id = organisation
                               and once_key = p_once_key;
    return query select registered.outcome, null::uuid, null::integer, null::timestamptz, null::text;
    return;
  end if;
  if p_once_key is not null and registered.patient_id <> p_id then
    update patient_once set patient_id = registered.patient_id
     where route = fhir_route(organisation) and organisation_id = organisation and once_key = p_once_key;
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

-- Called by the statement that updates a Patient resource: what is wrong undoes the whole statement.
create function fhir_keep_patient(p_id uuid, p_identifiers jsonb, p_birth_date date, p_deceased boolean) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  organisation uuid := app_organisation();
begin
  perform from resource r where r.route = fhir_route(p_id) and r.id = p_id and r.type = 'Patient'
                            and r.organisation_id = organisation;
  if not found then
    raise exception 'only the organisation that wrote a patient changes it' using errcode = 'insufficient_privilege';
  end if;
  update patient p set birth_date = p_birth_date, deceased = p_deceased
   where p.route = fhir_route(p_id) and p.id = p_id
     and (p.birth_date, p.deceased) is distinct from (p_birth_date, p_deceased);
  insert into patient_identifier (system, value, route, patient_id)
  select w.system, w.value, fhir_route(p_id), p_id from jsonb_to_recordset(p_identifiers) as w(system text, value text)
  on conflict do nothing;
  perform from jsonb_to_recordset(p_identifiers) as w(system text, value text)
     join patient_identifier i on i.system = w.system and i.value = w.value
    where i.patient_id <> p_id;
  if found then
    raise exception 'identifier-conflict' using errcode = 'CSP01';
  end if;
  -- A number of the organisation's own that the patient no longer has is free again.
  delete from patient_once o
   where o.patient_id = p_id
     and not exists (select from resource r where r.route = fhir_route(p_id) and r.id = p_id
                                              and r.identifiers @> array[o.once_key]);
  delete from patient_identifier i
   where i.route = fhir_route(p_id) and i.patient_id = p_id
     and not exists (select from jsonb_to_recordset(p_identifiers) as w(system text, value text)
                      where w.system = i.system and w.value = i.value);
  if found then
    -- Others found the patient by that number; it would be free for somebody else's.
    perform from registration g where g.route = fhir_route(p_id) and g.patient_id = p_id
                                  and g.organisation_id <> organisation;
    if found then
      raise exception 'identifier-in-use' using errcode = 'CSP02';
    end if;
  end if;
end $$;

-- A patient goes only when nothing hangs on it: no other organisation, no other resource.
create function fhir_delete_patient(p_id uuid, p_version integer) returns text
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  organisation uuid := app_organisation();
  patient_route integer := fhir_route(p_id);
  held record;
begin
  perform from patient p where p.route = patient_route and p.id = p_id for update;
  select r.* into held
    from resource r join registration g on g.route = r.route and g.patient_id = r.id
   where r.route = patient_route and r.id = p_id and r.type = 'Patient' and g.organisation_id = organisation
     and (app_labels() >> r.label) & 1 = 1 and (app_teams() is null or g.teams && app_teams())
     for update of r;
  if not found then
    return 'not-found';
  end if;
  if held.organisation_id <> organisation then
    return 'not-own';
  end if;
  if held.version <> p_version then
    return 'version-conflict';
  end if;
  perform from registration g where g.route = patient_route and g.patient_id = p_id and g.organisation_id <> organisation;
  if found then
    return 'patient-in-use';
  end if;
  perform from resource r where r.route = patient_route and r.patient_id = p_id and r.id <> p_id;
  if found then
    return 'patient-in-use';
  end if;
  insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
  values (held.route, held.id, held.version, held.type, held.patient_id, held.organisation_id, held.label,
          held.updated_at, held.content),
         (held.route, held.id, held.version + 1, held.type, held.patient_id, held.organisation_id, held.label,
          fhir_now(held.updated_at), null);
  delete from resource r where r.route = patient_route and r.id = p_id;
  delete from registration g where g.route = patient_route and g.patient_id = p_id;
  delete from patient_identifier i where i.route = patient_route and i.patient_id = p_id;
  delete from patient_once o where o.patient_id = p_id;
  delete from patient p where p.route = patient_route and p.id = p_id;
  return 'deleted';
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['fhir_create_patient', 'fhir_keep_patient', 'fhir_delete_patient'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;
revoke all on patient_once from public;
