-- THE DECISION. May this token, for this organisation, do this now?
-- Every statement that touches patients' data calls it and carries on only from its row, so a revoke that has
-- been confirmed is seen by every statement that starts afterwards, on every process: nothing is cached.
-- When the answer is 'allowed' (and only then) it opens the second lock below, for this transaction alone;
-- a statement outside an explicit transaction is its own. The same rules as a pure function of plain values
-- are in connections/decide.ts; one table of cases tests both.
create function decide(
  in p_token_hash bytea,
  in p_organisation text,           -- public id or ODS code, already well formed
  in p_permissions text[],          -- any of these will do, e.g. {Observation.r,*.r}
  out outcome text,                 -- 'allowed' or a refusal code of docs/errors.md
  out client_id text,
  out connection_id uuid,
  out organisation_id uuid,
  out labels integer,
  out teams uuid[]
) language plpgsql volatile as $$
declare
  token record;
  grant_ record;
  opened text;
begin
  select t.client_id, t.expires_at, t.permissions, t.organisation_id as bound_to,
         s.standing, s.permissions as registered
    into token
    from access_token t join system s on s.client_id = t.client_id
   where t.token_hash = p_token_hash;
  if not found or token.expires_at <= clock_timestamp() then
    outcome := 'token-invalid';
    return;
  end if;
  client_id := token.client_id;
  if token.standing <> 'live' then
    outcome := 'system-not-live';
    return;
  end if;
  if length(p_organisation) = 36 then
    organisation_id := p_organisation::uuid;
  else
    select o.id into organisation_id from organisation o where o.ods_code = upper(p_organisation);
  end if;
  if token.bound_to is distinct from organisation_id and token.bound_to is not null then
    outcome := 'organisation-mismatch';
    return;
  end if;
  select c.id, c.status, c.expires_at, c.permissions, c.labels, c.teams
    into grant_
    from connection c
   where c.organisation_id = decide.organisation_id and c.client_id = decide.client_id
   order by c.granted_at desc limit 1;
  if not found then
    outcome := 'connection-none';
    return;
  end if;
  connection_id := grant_.id;
  -- The end date counts from its instant, marked or not, for a suspended connection too.
  if grant_.status in ('active', 'suspended') and grant_.expires_at <= clock_timestamp() then
    outcome := 'connection-expired';
    return;
  end if;
  if grant_.status <> 'active' then
    outcome := 'connection-' || grant_.status;
    return;
  end if;
  -- Nothing asked is nothing given: a null must not pass for yes.
  if (token.permissions && p_permissions and grant_.permissions && p_permissions
      and token.registered && p_permissions) is not true then
    outcome := 'scope-insufficient';
    return;
  end if;
  outcome := 'allowed';
  labels := grant_.labels;
  teams := grant_.teams;
  -- Assignments run no query of their own: this is part of every request.
  opened := set_config('app.organisation', organisation_id::text, true);
  opened := set_config('app.labels', labels::text, true);
  opened := set_config('app.teams', coalesce(teams::text, ''), true);
  opened := set_config('app.connection', connection_id::text, true);
end $$;

-- Staff of an organisation see its purview too (counts on pages, records): the same lock, opened for a person
-- who holds a role there now. Returns the role, or null when there is none.
create function act_for_staff(p_account uuid, p_organisation uuid) returns text language plpgsql volatile as $$
declare
  held text;
begin
  select r.role into held
    from staff_role r join account a on a.id = r.account_id
   where r.account_id = p_account and r.organisation_id = p_organisation
     and r.ended_at is null and a.disabled_at is null;
  if held is not null then
    perform set_config('app.organisation', p_organisation::text, true),
            set_config('app.labels', '15', true),
            set_config('app.teams', '', true);
  end if;
  return held;
end $$;

---------------------------------------------------------------------------------------- the second lock
-- Rows outside the purview do not exist for cs_service: a predicate forgotten in a statement cannot leak, and
-- a statement that asked no decision sees nothing at all.
create function app_organisation() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.organisation', true), '')::uuid;
create function app_labels() returns integer language sql stable parallel safe
  return coalesce(nullif(current_setting('app.labels', true), '')::integer, 0);
create function app_teams() returns uuid[] language sql stable parallel safe
  return nullif(current_setting('app.teams', true), '')::uuid[];

alter table registration enable row level security;
alter table patient enable row level security;
alter table resource enable row level security;
alter table resource_version enable row level security;

create policy own_registrations on registration for select to cs_service using (
  organisation_id = app_organisation() and (app_teams() is null or teams && app_teams()));

create policy registered_patients on patient for select to cs_service using (
  exists (select from registration g
           where g.route = patient.route and g.patient_id = patient.id and g.organisation_id = app_organisation()));

-- Purview: what the organisation wrote itself of patients registered with it, plus what others wrote under
-- labels the patient shares with it; never more than the connection's labels and teams.
create policy purview on resource for select to cs_service using (
  case when patient_id is null then organisation_id = app_organisation()
  else (app_labels() >> label) & 1 = 1 and exists (
    select from registration g
     where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = app_organisation()
       and (resource.organisation_id = app_organisation() or (g.shared_labels >> resource.label) & 1 = 1))
  end);
create policy purview on resource_version for select to cs_service using (
  case when patient_id is null then organisation_id = app_organisation()
  else (app_labels() >> label) & 1 = 1 and exists (
    select from registration g
     where g.route = resource_version.route and g.patient_id = resource_version.patient_id
       and g.organisation_id = app_organisation()
       and (resource_version.organisation_id = app_organisation() or (g.shared_labels >> resource_version.label) & 1 = 1))
  end);

-- Writes carry the organisation; update and delete reach only its own.
create policy own_insert on resource for insert to cs_service with check (
  organisation_id = app_organisation() and (patient_id is null or ((app_labels() >> label) & 1 = 1 and exists (
    select from registration g where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = app_organisation()))));
create policy own_update on resource for update to cs_service
  using (organisation_id = app_organisation())
  with check (organisation_id = app_organisation() and (patient_id is null or (app_labels() >> label) & 1 = 1));
create policy own_delete on resource for delete to cs_service using (organisation_id = app_organisation());
create policy own_insert on resource_version for insert to cs_service with check (organisation_id = app_organisation());

------------------------------------------------------------------------------------------- registering
-- Patients are shared: one record for each national identifier. An organisation that names a known identifier
-- must agree on the date of birth, else nothing is linked or shown. The only way to read patient_identifier,
-- and it acts for whatever organisation the decision of this transaction opened, so it needs no id of one.
create function register_patient(
  in p_new_id uuid,                -- the id if there is no such patient yet
  in p_route integer,
  in p_identifiers jsonb,          -- national identifiers: [{"system": "...", "value": "..."}], may be empty
  in p_birth_date date,
  in p_deceased boolean,
  in p_teams uuid[],               -- empty: the organisation's default team
  out outcome text,                -- 'created', 'linked', 'known', 'birth-date-mismatch', 'identifier-conflict'
  out patient_id uuid
) language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  organisation uuid := app_organisation();
  wanted uuid[] := p_teams;
  known record;
  found_count integer;
begin
  if organisation is null then
    raise exception 'no decision was made in this transaction' using errcode = 'insufficient_privilege';
  end if;
  if cardinality(wanted) = 0 then
    wanted := array(select t.id from team t where t.organisation_id = organisation and t.is_default);
  end if;
  -- Locks nothing when the patient is known; of two who create at once, the unique key lets one through and
  -- the other starts again and finds it.
  for attempt in 1..3 loop
    select count(distinct i.patient_id) into found_count
      from jsonb_to_recordset(p_identifiers) as w(system text, value text)
      join patient_identifier i on i.system = w.system and i.value = w.value;
    if found_count > 1 then
      outcome := 'identifier-conflict';
      return;
    end if;
    if found_count = 1 then
      select p.route, p.id, p.birth_date into known
        from jsonb_to_recordset(p_identifiers) as w(system text, value text)
        join patient_identifier i on i.system = w.system and i.value = w.value
        join patient p on p.route = i.route and p.id = i.patient_id
       limit 1
         for key share of p; -- so that nobody deletes the patient between here and the registration
      continue when not found;
      if known.birth_date is distinct from p_birth_date then
        outcome := 'birth-date-mismatch';
        return;
      end if;
      patient_id := known.id;
      insert into registration (route, patient_id, organisation_id, teams)
      values (known.route, known.id, organisation, wanted)
      on conflict do nothing;
      outcome := case when found then 'linked' else 'known' end;
      return;
    end if;
    begin
      insert into patient (route, id, birth_date, deceased) values (p_route, p_new_id, p_birth_date, p_deceased);
      insert into patient_identifier (system, value, route, patient_id)
      select w.system, w.value, p_route, p_new_id from jsonb_to_recordset(p_identifiers) as w(system text, value text);
      insert into registration (route, patient_id, organisation_id, teams)
      values (p_route, p_new_id, organisation, wanted);
      patient_id := p_new_id;
      outcome := 'created';
      return;
    exception when unique_violation then
      null; -- another process made the same patient meanwhile: look again
    end;
  end loop;
  raise exception 'the patient could not be registered' using errcode = 'serialization_failure';
end $$;
revoke all on function register_patient from public;
grant execute on function register_patient to cs_service;
revoke all on patient_identifier from cs_service;
revoke insert, update, delete on patient, registration from cs_service;
