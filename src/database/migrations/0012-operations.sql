-- What the FHIR operations need: patients by national identifier as one organisation knows them, answers that are
-- given again, registration of thousands in one statement, and registrations that go on after the answer.

--------------------------------------------------------------------------------- patients by identifier
-- The national identifiers of the patients registered with an organisation. An identifier of nobody and one of a
-- patient with no tie to the organisation are equally absent here, so that not even time tells them apart.
create table registration_identifier (
  organisation_id uuid not null,
  value text not null,
  system text not null,
  route integer not null,
  patient_id uuid not null,
  primary key (organisation_id, value, system) include (route, patient_id)
);
insert into registration_identifier (organisation_id, value, system, route, patient_id)
select g.organisation_id, i.value, i.system, g.route, g.patient_id
  from registration g join patient_identifier i on i.route = g.route and i.patient_id = g.patient_id;

-- Kept by triggers, whoever registers and however. Both insertions lock the patient's row, in ways that exclude each
-- other: of two at once, the second sees what the first has added. (Rows that this transaction made need no lock.)
create function keep_registered_identifiers() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_table_name = 'registration' and tg_op = 'INSERT' then
    perform from patient p join (select distinct route, patient_id from changed) c on p.route = c.route and p.id = c.patient_id
      where p.xmin <> pg_current_xact_id()::xid order by p.route, p.id for share of p;
    insert into registration_identifier (organisation_id, value, system, route, patient_id)
    select c.organisation_id, i.value, i.system, c.route, c.patient_id
      from changed c join patient_identifier i on i.route = c.route and i.patient_id = c.patient_id
    on conflict do nothing;
  elsif tg_table_name = 'registration' then
    delete from registration_identifier r
     using changed c join patient_identifier i on i.route = c.route and i.patient_id = c.patient_id
     where r.organisation_id = c.organisation_id and r.value = i.value and r.system = i.system;
  elsif tg_op = 'INSERT' then
    perform from patient p join (select distinct route, patient_id from changed) c on p.route = c.route and p.id = c.patient_id
      where p.xmin <> pg_current_xact_id()::xid order by p.route, p.id for no key update of p;
    insert into registration_identifier (organisation_id, value, system, route, patient_id)
    select g.organisation_id, c.value, c.system, c.route, c.patient_id
      from changed c join registration g on g.route = c.route and g.patient_id = c.patient_id
    on conflict do nothing;
  else
    delete from registration_identifier r
     using changed c join registration g on g.route = c.route and g.patient_id = c.patient_id
     where r.organisation_id = g.organisation_id and r.value = c.value and r.system = c.system;
  end if;
  return null;
end $$;
create trigger registration_identified after insert on registration referencing new table as changed
  for each statement execute function keep_registered_identifiers();
create trigger registration_ended after delete on registration referencing old table as changed
  for each statement execute function keep_registered_identifiers();
create trigger identifier_added after insert on patient_identifier referencing new table as changed
  for each statement execute function keep_registered_identifiers();
create trigger identifier_removed after delete on patient_identifier referencing old table as changed
  for each statement execute function keep_registered_identifiers();

alter table registration_identifier enable row level security;
create policy own on registration_identifier for select to cs_service using (
  organisation_id = app_organisation() and (app_teams() is null or exists (
    select from registration g where g.route = registration_identifier.route
       and g.patient_id = registration_identifier.patient_id and g.organisation_id = app_organisation())));
grant select on registration_identifier to cs_service;

-- What the queries ask, for whatever organisation, labels and teams the decision of this transaction opened. Functions
-- are the second lock here: under row-level security the planner gathers all registrations of the organisation before
-- it looks at the few that are asked for. `p_systems` are places in `p_system_names`.
create function fhir_numbered_patients(p_system_names text[], p_rows integer[], p_systems integer[], p_values text[])
returns table (n integer, route integer, patient_id uuid, birth_date date, deceased boolean, joined boolean)
language sql stable security definer rows 500 set search_path = public, pg_temp as $$
  select k.n, i.route, i.patient_id, p.birth_date, p.deceased, p.joined_at is not null
    from (select app_organisation() as organisation, app_teams() as teams offset 0) s
   cross join unnest(p_rows, p_systems, p_values) k(n, s, value)
    join registration_identifier i on i.organisation_id = s.organisation and i.value = k.value
                                  and i.system = p_system_names[k.s]
    join patient p on p.route = i.route and p.id = i.patient_id
   where s.teams is null or exists (
           select from registration g where g.route = i.route and g.patient_id = i.patient_id
              and g.organisation_id = s.organisation and g.teams && s.teams)
$$;

-- Demographics and choices are no data points. The purview is that of a search.
create function fhir_last_data_points(p_system_names text[], p_rows integer[], p_systems integer[], p_values text[])
returns table (n integer, patient_id uuid, at timestamptz)
language sql stable security definer rows 500 set search_path = public, pg_temp as $$
  select k.n, i.patient_id, l.at
    from (select app_organisation() as organisation, app_labels() as labels, app_teams() as teams offset 0) s
   cross join unnest(p_rows, p_systems, p_values) k(n, s, value)
    join registration_identifier i on i.organisation_id = s.organisation and i.value = k.value
                                  and i.system = p_system_names[k.s]
    join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = s.organisation
                       and (s.teams is null or g.teams && s.teams)
   cross join lateral (
    select max(r.updated_at) as at from resource r
     where r.route = g.route and r.patient_id = g.patient_id and r.type not in ('Patient', 'Consent')
       and (s.labels >> r.label) & 1 = 1
       and (r.organisation_id = s.organisation or (g.shared_labels >> r.label) & 1 = 1)) l
$$;

-- The newest letter of each patient under the identifier, two at most: of several patients it is only said that they are
-- several.
create function fhir_read_receipts(p_systems text[], p_values text[])
returns table (n integer, patient_id uuid, removed boolean, first_read timestamptz, visible_from timestamptz,
               unreadable timestamptz)
language sql stable security definer rows 500 set search_path = public, pg_temp as $$
  select k.n::integer, x.*
    from (select app_organisation() as organisation, app_labels() as labels, app_teams() as teams offset 0) s
   cross join unnest(p_systems, p_values) with ordinality k(system, value, n)
   cross join lateral (
    select w.patient_id, l.removed_at is not null, l.first_read_at, l.visible_from, l.reported_unreadable_at
      from letter_identifier w
      join letter l on l.route = w.route and l.id = w.letter_id
      join registration g on g.route = w.route and g.patient_id = w.patient_id and g.organisation_id = s.organisation
                         and (s.teams is null or g.teams && s.teams)
     where w.organisation_id = s.organisation and w.value = k.value and (k.system = '' or w.system = k.system)
       and (s.labels >> l.label) & 1 = 1
     limit 2) x
$$;

do $$
declare
  name text;
begin
  foreach name in array array['fhir_numbered_patients', 'fhir_last_data_points', 'fhir_read_receipts'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;

--------------------------------------------------------------------------------------------- invitations
-- How long a pair of codes lives: ten weeks, unless the organisation sets another time.
alter table organisation add column invitation_days smallint not null default 70
  check (invitation_days between 1 and 365);

-- Of patients whose invitations are made anew, one caller at a time; the rows are locked in one order by all.
create function fhir_lock_patients(p_routes integer[], p_ids uuid[]) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  perform from patient p
     join (select distinct k.route, k.id from unnest(p_routes, p_ids) k(route, id)) k on p.route = k.route and p.id = k.id
     join registration g on g.route = p.route and g.patient_id = p.id and g.organisation_id = app_organisation()
    order by p.route, p.id for no key update of p;
end $$;

-- Makes a pair for each patient that the identifiers name and who may join; says of all others why not. It runs with the
-- caller's rights, so row-level security holds in it; each step sees what was there after the patients were locked.
-- `p_systems` are places in `p_system_names`; `place` is the pair (from 1) that was taken, for the first of several
-- identifiers of one patient.
create function fhir_invite_patients(
  p_system_names text[], p_rows integer[], p_systems integer[], p_values text[], p_ids uuid[], p_code_hashes bytea[],
  p_token_hashes bytea[], p_revoke_older boolean, p_connection uuid
) returns table (n integer, outcome text, patient_id uuid, place integer, expires_at timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  organisation uuid := app_organisation();
  now_ timestamptz;
  ends timestamptz;
  row_n integer[]; row_place integer[]; row_route integer[]; row_patient uuid[];
  open_place integer[]; open_route integer[]; open_patient uuid[];
begin
  select array_agg(k.n), array_agg(k.place::integer), array_agg(i.route), array_agg(i.patient_id)
    into row_n, row_place, row_route, row_patient
    from unnest(p_rows, p_systems, p_values) with ordinality k(n, s, value, place)
    join registration_identifier i on i.organisation_id = organisation and i.value = k.value
                                  and i.system = p_system_names[k.s];
  if row_n is null then
    return;
  end if;
  perform fhir_lock_patients(row_route, row_patient);
  now_ := clock_timestamp();
  select now_ + make_interval(days => o.invitation_days) into ends from organisation o where o.id = organisation;

  select array_agg(f.place), array_agg(f.route), array_agg(f.id) into open_place, open_route, open_patient
    from (select p.route, p.id, min(k.place) as place
            from unnest(row_place, row_route, row_patient) k(place, route, id)
            join patient p on p.route = k.route and p.id = k.id
           where not p.deceased and p.joined_at is null
             and p.birth_date <= (now_ at time zone 'Europe/London')::date - interval '16 years'
           group by p.route, p.id) f;
  if p_revoke_older then
    update invitation i set revoked_at = now_, revoke_reason = 'replaced'
      from unnest(open_route, open_patient) k(route, id)
     where i.route = k.route and i.patient_id = k.id and i.organisation_id = organisation
       and i.used_at is null and i.revoked_at is null and i.expires_at > now_;
  end if;
  insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, created_at,
                          created_by_connection, expires_at)
  select k.route, (left(k.id::text, 8) || substr(p_ids[k.place]::text, 9))::uuid, k.id, organisation,
         p_code_hashes[k.place], p_token_hashes[k.place], now_, p_connection, ends
    from unnest(open_place, open_route, open_patient) k(place, route, id);
  return query
    select k.n, case when o.place is not null then 'invited'
                     when p.deceased then 'deceased'
                     when p.joined_at is not null then 'already-registered'
                     when p.birth_date is null then 'birth-date-missing'
                     else 'under-16' end,
           k.id, o.place, ends
      from unnest(row_n, row_route, row_patient) k(n, route, id)
      join patient p on p.route = k.route and p.id = k.id
      left join unnest(open_place, open_patient) o(place, id) on o.id = k.id;
end $$;

----------------------------------------------------------------------------------------- answers given again
-- What was answered under an Idempotency-Key: the answer is sealed with a key that is made of the caller's own and of
-- the service's, for it may hold codes that are shown once.
create table operation_answer (
  organisation_id uuid not null,
  client_id text not null,
  key_hash bytea not null,
  request_hash bytea not null,
  sealed bytea,                   -- null only within the transaction that works on it
  expires_at timestamptz not null,
  primary key (organisation_id, client_id, key_hash)
);
create index operation_answer_expiry on operation_answer (expires_at);
alter table operation_answer enable row level security;
create policy own on operation_answer to cs_service using (organisation_id = app_organisation())
  with check (organisation_id = app_organisation());
grant select, insert, update, delete on operation_answer to cs_service;

------------------------------------------------------------------------------------------ dates of birth
-- A date of birth is all that keeps an organisation from linking whom it has nothing to do with, and there are few of
-- them: after ten wrong ones within a day, for one patient by one organisation, none is right for the rest of it.
create table birth_date_failure (
  route integer not null,
  patient_id uuid not null,
  organisation_id uuid not null,
  failures integer not null,
  since timestamptz not null,
  primary key (route, patient_id, organisation_id)
);
revoke all on birth_date_failure from public;

create function count_birth_date_failures(p_route integer, p_patient uuid, p_organisation uuid, p_count integer)
returns void language sql volatile set search_path = public, pg_temp as $$
  insert into birth_date_failure as f (route, patient_id, organisation_id, failures, since)
  values (p_route, p_patient, p_organisation, p_count, clock_timestamp())
  on conflict (route, patient_id, organisation_id) do update
    set failures = case when f.since < clock_timestamp() - interval '1 day' then excluded.failures
                        else least(f.failures + excluded.failures, 1000000) end,
        since = case when f.since < clock_timestamp() - interval '1 day' then excluded.since else f.since end
$$;
revoke all on function count_birth_date_failures from public;

create function birth_date_guarded(p_route integer, p_patient uuid, p_organisation uuid) returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (select from birth_date_failure f
                  where f.route = p_route and f.patient_id = p_patient and f.organisation_id = p_organisation
                    and f.failures >= 10 and f.since >= clock_timestamp() - interval '1 day')
$$;
revoke all on function birth_date_guarded from public;

-- The same for a Patient that is created (migration 0002 has the first form of this, without the guard).
create or replace function register_patient(
  in p_new_id uuid, in p_route integer, in p_identifiers jsonb, in p_birth_date date, in p_deceased boolean,
  in p_teams uuid[], out outcome text, out patient_id uuid
) language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  organisation uuid := app_organisation();
  wanted uuid[] := p_teams;
  known record;
  found_count integer;
  tied boolean;
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
       limit 1;
      tied := exists (select from registration g where g.route = known.route and g.patient_id = known.id
                                                   and g.organisation_id = organisation);
      if not tied then
        -- Tries are counted one after another, however many are sent at once.
        perform from patient p where p.route = known.route and p.id = known.id for no key update;
        continue when not found; -- deleted meanwhile
      end if;
      if known.birth_date is distinct from p_birth_date
         or (not tied and birth_date_guarded(known.route, known.id, organisation)) then
        if not tied then
          perform count_birth_date_failures(known.route, known.id, organisation, 1);
        end if;
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

------------------------------------------------------------------------------------------ mass registration
-- Registers patients, row by row as if each had been sent alone and in their order, in a few set-based steps.
-- Arrays hold one value a row; `identifier_rows` and `team_rows` say which row (from 1) the flat lists belong to. Lists
-- within a row travel as one text, cut at chr(1), since arrays cannot be unnested into arrays.
-- Answers each row once: 'created', 'linked' (newly registered with the organisation), 'known', or a refusal code. Of
-- known patients it gives the Patient resource too, if the label is covered, and holds the patient's row until the
-- transaction ends, so that the caller can bring the resource up to date.
create function fhir_register_patients(
  p_ids uuid[], p_birth_dates date[], p_deceased boolean[], p_labels smallint[],
  p_identifier_rows integer[], p_identifier_systems text[], p_identifier_values text[],
  p_team_rows integer[], p_team_names text[],
  p_sort_from timestamptz[], p_sort_to timestamptz[], p_tokens text[], p_keys text[], p_strings text[],
  p_dates text[], p_numbers text[], p_contents text[]
) returns table (n integer, outcome text, patient_id uuid, version integer, content text, team_added boolean)
language plpgsql volatile security definer set search_path = public, pg_temp
-- Planned for as many rows as there are: a plan that was kept from a few rows takes thousands one by one.
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  organisation uuid := app_organisation();
  limited uuid[] := app_teams();
  default_teams uuid[];
  now_ timestamptz := fhir_now();
  pending integer[];
  refused_n integer[]; refused_code text[];
  team_n integer[]; team_id uuid[];
  known_n integer[]; known_route integer[]; known_id uuid[];
  ok_n integer[]; ok_route integer[]; ok_id uuid[];
  linked uuid[]; joined uuid[];
  new_n integer[]; new_identifiers bigint[]; got uuid[]; partial uuid[];
begin
  if organisation is null then
    return;
  end if;
  default_teams := array(select t.id from team t where t.organisation_id = organisation and t.is_default);

  -- Teams by name or id: one of those named must be the default team, where every record is kept.
  select coalesce(array_agg(w.n), '{}'), coalesce(array_agg(t.id), '{}') into team_n, team_id
    from unnest(p_team_rows, p_team_names) w(n, name)
    left join team t on t.organisation_id = organisation
                    and (search_key(t.name) = search_key(w.name) or t.id::text = lower(btrim(w.name)));
  select coalesce(array_agg(r.n), '{}'), coalesce(array_agg(r.code), '{}') into refused_n, refused_code
    from (select l.n::integer as n,
                 case when (app_labels() >> l.label) & 1 = 0 then 'label-not-covered' else w.code end as code
            from unnest(p_labels) with ordinality l(label, n)
            left join (select t.n, case when bool_or(t.id is null) then 'team-unknown'
                                        when not bool_or(t.id = any(default_teams)) then 'team-default-missing'
                                        when bool_or(t.id <> all(default_teams) and t.id <> all(limited))
                                        then 'team-not-covered' end as code
                         from unnest(team_n, team_id) t(n, id) group by t.n) w on w.n = l.n) r
   where r.code is not null;
  return query select r.n, r.code, null::uuid, null::integer, null::text, false
                 from unnest(refused_n, refused_code) r(n, code);
  pending := array(select generate_series(1, cardinality(p_ids)) except select unnest(refused_n));

  -- Rows that share an identifier come one after another: the first of them in the first round, the next when that one
  -- is there to be found. Five rounds do for all but what is meant to take long.
  for round in 1..5 loop
    exit when cardinality(pending) = 0;

    --------------------------------------------------------------------------------------- patients there are
    select coalesce(array_agg(m.n) filter (where m.patients > 1), '{}'),
           coalesce(array_agg(m.n) filter (where m.patients = 1), '{}'),
           coalesce(array_agg(m.route) filter (where m.patients = 1), '{}'),
           coalesce(array_agg(m.id) filter (where m.patients = 1), '{}')
      into refused_n, known_n, known_route, known_id
      from (select k.n, min(i.route) as route, (array_agg(i.patient_id))[1] as id,
                   count(distinct i.patient_id) as patients
              from unnest(pending) q(n)
              join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) k(n, system, value) on k.n = q.n
              join patient_identifier i on i.system = k.system and i.value = k.value
             group by k.n) m;
    return query select r.n, 'identifier-conflict', null::uuid, null::integer, null::text, false
                   from unnest(refused_n) r(n);
    new_n := array(select unnest(pending) except select unnest(refused_n) except select unnest(known_n));
    pending := array(select unnest(pending) except select unnest(refused_n));

    if cardinality(known_n) > 0 then
      -- One order for all who do this, so that two never wait for each other.
      perform from patient p
         join (select distinct k.route, k.id from unnest(known_route, known_id) k(route, id)) k
           on p.route = k.route and p.id = k.id
        order by p.route, p.id for no key update of p;

      -- Every wrong date counts, however many are sent at once, before any is taken for right.
      insert into birth_date_failure as f (route, patient_id, organisation_id, failures, since)
      select k.route, k.id, organisation, count(distinct p_birth_dates[k.n]), clock_timestamp()
        from unnest(known_n, known_route, known_id) k(n, route, id) join patient p on p.route = k.route and p.id = k.id
       where p.birth_date is distinct from p_birth_dates[k.n]
         and not exists (select from registration g where g.route = k.route and g.patient_id = k.id
                                                      and g.organisation_id = organisation)
       group by k.route, k.id order by k.route, k.id
      on conflict (route, patient_id, organisation_id) do update
        set failures = case when f.since < clock_timestamp() - interval '1 day' then excluded.failures
                            else least(f.failures + excluded.failures, 1000000) end,
            since = case when f.since < clock_timestamp() - interval '1 day' then excluded.since else f.since end;

      -- Whose patient was deleted meanwhile is not among these and stays, to be looked at again; so does a row that
      -- brings a new identifier after another row of the same patient.
      -- (One grouping and no join of two results: what comes out of a join is guessed to be few rows, and few are joined
      -- one by one.)
      with judged as (
        select k.n, k.route, k.id, bool_or(i.value is null) as adds,
               case when p.birth_date is distinct from p_birth_dates[k.n]
                      or (g.patient_id is null and birth_date_guarded(k.route, k.id, organisation))
                    then 'birth-date-mismatch'
                    when bool_or(i.value <> w.value) then 'identifier-conflict' end as code
          from unnest(known_n, known_route, known_id) k(n, route, id)
          join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = k.n
          join patient p on p.route = k.route and p.id = k.id
          left join registration g on g.route = k.route and g.patient_id = k.id and g.organisation_id = organisation
          left join patient_identifier i on i.route = k.route and i.patient_id = k.id and i.system = w.system
         group by k.n, k.route, k.id, p.birth_date, g.patient_id),
      placed as (
        select j.*, row_number() over (partition by j.route, j.id, j.code is null order by j.n) as place from judged j)
      select coalesce(array_agg(j.n) filter (where j.code is not null), '{}'),
             coalesce(array_agg(j.code) filter (where j.code is not null), '{}'),
             coalesce(array_agg(j.n) filter (where j.code is null and (j.place = 1 or not j.adds)), '{}'),
             coalesce(array_agg(j.route) filter (where j.code is null and (j.place = 1 or not j.adds)), '{}'),
             coalesce(array_agg(j.id) filter (where j.code is null and (j.place = 1 or not j.adds)), '{}')
        into refused_n, refused_code, ok_n, ok_route, ok_id
        from placed j;
      return query select r.n, r.code, null::uuid, null::integer, null::text, false
                     from unnest(refused_n, refused_code) r(n, code);
      pending := array(select unnest(pending) except select unnest(refused_n) except select unnest(ok_n));

      insert into patient_identifier (system, value, route, patient_id)
      select distinct w.system, w.value, k.route, k.id
        from unnest(ok_n, ok_route, ok_id) k(n, route, id)
        join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = k.n
        left join patient_identifier i on i.system = w.system and i.value = w.value
       where i.value is null
       order by w.system, w.value
      on conflict do nothing;
      perform from unnest(ok_n, ok_id) k(n, id)
         join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = k.n
         join patient_identifier i on i.system = w.system and i.value = w.value
        where i.patient_id <> k.id;
      if found then
        raise exception 'another took an identifier meanwhile' using errcode = 'serialization_failure';
      end if;

      with named as (
        select k.route, k.id, g.teams as held,
               coalesce(array_agg(distinct t.id) filter (where t.id is not null), '{}') as teams
          from unnest(ok_n, ok_route, ok_id) k(n, route, id)
          left join unnest(team_n, team_id) t(n, id) on t.n = k.n
          left join registration g on g.route = k.route and g.patient_id = k.id and g.organisation_id = organisation
         group by k.route, k.id, g.teams),
      made as (
        insert into registration (route, patient_id, organisation_id, teams)
        select w.route, w.id, organisation,
               case when cardinality(w.teams) = 0 then coalesce(limited, default_teams)
                    when limited is null or w.teams && limited then w.teams
                    else w.teams || limited end
          from named w where w.held is null
         order by w.route, w.id
        on conflict do nothing
        returning patient_id),
      more as (
        update registration g
           set teams = array(select distinct unnest(w.held || w.teams || case when (w.held || w.teams) && limited then '{}'
                                                                              else coalesce(limited, '{}') end))
          from named w
         where g.route = w.route and g.patient_id = w.id and g.organisation_id = organisation
           and not (w.held @> w.teams and (limited is null or w.held && limited))
        -- What the connection could not see before is new to it.
        returning g.patient_id, coalesce(not w.held && limited, false) as unseen)
      select array(select m.patient_id from made m union all select m.patient_id from more m where m.unseen),
             array(select m.patient_id from more m where not m.unseen) into linked, joined;

      -- A patient without a Patient resource gets this one; the new id stands in the text nowhere but for itself.
      insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                            tokens, identifiers, strings, dates, numbers, content)
      select k.route, k.id, 'Patient', k.id, organisation, r.label, 1, now_, r.sort_from, r.sort_to, coalesce(string_to_array(r.tokens, chr(1)), '{}'),
             string_to_array(r.keys, chr(1)), string_to_array(r.strings, chr(1)), r.dates::jsonb, r.numbers::jsonb,
             fhir_filled(replace(r.content, r.id::text, k.id::text), 1, now_, r.label)
        from (select distinct on (k.route, k.id) k.n, k.route, k.id
                from unnest(ok_n, ok_route, ok_id) k(n, route, id) order by k.route, k.id, k.n) k
        join unnest(p_ids, p_labels, p_sort_from, p_sort_to, p_tokens, p_keys, p_strings, p_dates, p_numbers, p_contents)
             with ordinality r(id, label, sort_from, sort_to, tokens, keys, strings, dates, numbers, content, n) on r.n = k.n
       where not exists (select from resource o where o.route = k.route and o.id = k.id)
      on conflict do nothing;

      return query
        select k.n, case when k.place = 1 and l.id is not null then 'linked' else 'known' end, k.id, r.version,
               case when (app_labels() >> r.label) & 1 = 1 then r.content end, k.place = 1 and j.id is not null
          from (select k.*, row_number() over (partition by k.route, k.id order by k.n) as place
                  from unnest(ok_n, ok_route, ok_id) k(n, route, id)) k
          left join unnest(linked) l(id) on l.id = k.id
          left join unnest(joined) j(id) on j.id = k.id
          left join resource r on r.route = k.route and r.id = k.id and r.type = 'Patient';
    end if;

    ------------------------------------------------------------------------------------------- new patients
    -- A row is made when it is the first of those left for each of its identifiers, and gets them all: of two callers
    -- at once, the second waits here, and finds the patient of the first in its next round.
    continue when cardinality(new_n) = 0;
    select coalesce(array_agg(f.n), '{}'), coalesce(array_agg(f.identifiers), '{}') into new_n, new_identifiers
      from (select w.n, count(*) as identifiers
              from (select q.n, min(q.n) over (partition by w.system, w.value) as first_n
                      from unnest(pending) q(n)
                      join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value)
                        on w.n = q.n) w
             group by w.n having bool_and(w.n = w.first_n)
            intersect all
            select w.n, count(*) from unnest(new_n) q(n) join unnest(p_identifier_rows) w(n) on w.n = q.n group by w.n) f;
    with taken as (
      insert into patient_identifier (system, value, route, patient_id)
      select w.system, w.value, fhir_route(p_ids[w.n]), p_ids[w.n]
        from unnest(new_n) q(n)
        join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = q.n
       order by w.system, w.value
      on conflict do nothing
      returning patient_id)
    select coalesce(array_agg(t.patient_id), '{}') into got from taken t;
    select coalesce(array_agg(q.n) filter (where q.identifiers = q.got), '{}'),
           coalesce(array_agg(p_ids[q.n]) filter (where q.got > 0 and q.identifiers > q.got), '{}')
      into new_n, partial
      from (select f.n, f.identifiers, count(t.id) as got
              from unnest(new_n, new_identifiers) f(n, identifiers)
              join unnest(p_ids) with ordinality r(id, n) on r.n = f.n
              left join unnest(got) t(id) on t.id = r.id
             group by f.n, f.identifiers) q;
    delete from patient_identifier i using unnest(partial) r(id) where i.route = fhir_route(r.id) and i.patient_id = r.id;

    insert into patient (route, id, birth_date, deceased)
    select fhir_route(p_ids[q.n]), p_ids[q.n], p_birth_dates[q.n], p_deceased[q.n] from unnest(new_n) q(n);
    insert into registration (route, patient_id, organisation_id, teams)
    select fhir_route(p_ids[q.n]), p_ids[q.n], organisation,
           case when t.teams is null then coalesce(limited, default_teams)
                when limited is null or t.teams && limited then t.teams
                else t.teams || limited end
      from unnest(new_n) q(n)
      left join (select t.n, array_agg(distinct t.id) as teams from unnest(team_n, team_id) t(n, id) group by t.n) t
             on t.n = q.n;
    insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                          tokens, identifiers, strings, dates, numbers, content)
    select fhir_route(r.id), r.id, 'Patient', r.id, organisation, r.label, 1, now_, r.sort_from, r.sort_to,
           coalesce(string_to_array(r.tokens, chr(1)), '{}'), string_to_array(r.keys, chr(1)), string_to_array(r.strings, chr(1)), r.dates::jsonb, r.numbers::jsonb,
           fhir_filled(r.content, 1, now_, r.label)
      from unnest(new_n) q(n)
      join unnest(p_ids, p_labels, p_sort_from, p_sort_to, p_tokens, p_keys, p_strings, p_dates, p_numbers, p_contents)
           with ordinality r(id, label, sort_from, sort_to, tokens, keys, strings, dates, numbers, content, n) on r.n = q.n;
    return query select q.n, 'created', p_ids[q.n], 1, null::text, false from unnest(new_n) q(n);
    pending := array(select unnest(pending) except select unnest(new_n));
  end loop;
  return query select q.n, 'write-contended', null::uuid, null::integer, null::text, false from unnest(pending) q(n);
end $$;

-- Brings Patient resources up to date that fhir_register_patients() has found, each if it is still at that version.
-- Demographics are shared: any organisation with which the patient is registered may do so in this way.
create function fhir_update_patients(
  p_ids uuid[], p_versions integer[], p_deceased boolean[], p_sort_from timestamptz[], p_sort_to timestamptz[],
  p_tokens text[], p_keys text[], p_strings text[], p_dates text[], p_numbers text[], p_contents text[]
) returns integer language plpgsql volatile security definer set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  organisation uuid := app_organisation();
  limited uuid[] := app_teams();
  labels integer := app_labels();
  changed integer;
begin
  with old as materialized (
    select r.*, u.n, fhir_now(r.updated_at) as now_
      from unnest(p_ids, p_versions) with ordinality u(id, version, n)
      join registration g on g.route = fhir_route(u.id) and g.patient_id = u.id and g.organisation_id = organisation
                         and (limited is null or g.teams && limited)
      join resource r on r.route = fhir_route(u.id) and r.id = u.id
     where r.type = 'Patient' and r.version = u.version and (labels >> r.label) & 1 = 1
     order by r.route, r.id for update of r),
  updated as (
    update resource r
       set version = o.version + 1, updated_at = o.now_, sort_from = u.sort_from, sort_to = u.sort_to,
           tokens = coalesce(string_to_array(u.tokens, chr(1)), '{}'), identifiers = string_to_array(u.keys, chr(1)), strings = string_to_array(u.strings, chr(1)), dates = u.dates::jsonb,
           numbers = u.numbers::jsonb, content = fhir_filled(u.content, o.version + 1, o.now_, o.label)
      from old o
      join unnest(p_sort_from, p_sort_to, p_tokens, p_keys, p_strings, p_dates, p_numbers, p_contents)
           with ordinality u(sort_from, sort_to, tokens, keys, strings, dates, numbers, content, n) on u.n = o.n
     where r.route = o.route and r.id = o.id
    returning r.id),
  kept as (
    insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
    select o.route, o.id, o.version, o.type, o.patient_id, o.organisation_id, o.label, o.updated_at, o.content
      from old o join updated u on u.id = o.id),
  told as (
    update patient p set deceased = p_deceased[o.n]
      from old o where p.route = o.route and p.id = o.id and p.deceased <> p_deceased[o.n])
  select count(*) into changed from updated;
  return changed;
end $$;

-- A dry run is undone, but the wrong dates of birth that it tried are counted: else it would be the way to try them.
create function fhir_count_wrong_dates(
  p_birth_dates date[], p_identifier_rows integer[], p_identifier_systems text[], p_identifier_values text[]
) returns void language sql volatile security definer set search_path = public, pg_temp as $$
  insert into birth_date_failure as f (route, patient_id, organisation_id, failures, since)
  select p.route, p.id, app_organisation(), count(distinct p_birth_dates[k.n]), clock_timestamp()
    from unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) k(n, system, value)
    join patient_identifier i on i.system = k.system and i.value = k.value
    join patient p on p.route = i.route and p.id = i.patient_id
   where p.birth_date is distinct from p_birth_dates[k.n] and app_organisation() is not null
     and not exists (select from registration g where g.route = p.route and g.patient_id = p.id
                                                  and g.organisation_id = app_organisation())
   group by p.route, p.id order by p.route, p.id
  on conflict (route, patient_id, organisation_id) do update
    set failures = case when f.since < clock_timestamp() - interval '1 day' then excluded.failures
                        else least(f.failures + excluded.failures, 1000000) end,
        since = case when f.since < clock_timestamp() - interval '1 day' then excluded.since else f.since end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['fhir_register_patients', 'fhir_update_patients', 'fhir_count_wrong_dates',
                              'fhir_lock_patients'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;

--------------------------------------------------------------------------- registrations that go on afterwards
-- The decision for work that a connection began and that goes on when its token is long dead: all but the token.
create function decide_connection(
  in p_connection uuid, in p_organisation uuid, in p_permissions text[],
  out outcome text, out client_id text, out connection_id uuid, out organisation_id uuid, out labels integer,
  out teams uuid[]
) language plpgsql volatile as $$
declare
  held record;
begin
  select c.*, s.standing, s.permissions as registered, n.id as newest into held
    from connection c join system s on s.client_id = c.client_id
    cross join lateral (select o.id from connection o
                         where o.organisation_id = c.organisation_id and o.client_id = c.client_id
                         order by o.granted_at desc limit 1) n
   where c.id = p_connection and c.organisation_id = p_organisation;
  if not found then
    outcome := 'connection-none';
    return;
  end if;
  client_id := held.client_id;
  connection_id := held.id;
  organisation_id := held.organisation_id;
  outcome := case
    when held.standing <> 'live' then 'system-not-live'
    when held.status in ('active', 'suspended') and held.expires_at <= clock_timestamp() then 'connection-expired'
    when held.status <> 'active' then 'connection-' || held.status
    -- Another grant has taken its place, perhaps with less in it.
    when held.newest <> held.id then 'connection-revoked'
    when (held.permissions && p_permissions and held.registered && p_permissions) is not true then 'scope-insufficient'
    else 'allowed' end;
  if outcome = 'allowed' then
    labels := held.labels;
    teams := held.teams;
    perform set_config('app.organisation', organisation_id::text, true),
            set_config('app.labels', labels::text, true),
            set_config('app.teams', coalesce(teams::text, ''), true),
            set_config('app.connection', connection_id::text, true);
  end if;
end $$;

create table register_job (
  route integer not null,         -- of the organisation
  id uuid not null,
  organisation_id uuid not null,
  client_id text not null,
  connection_id uuid not null,
  base text not null,             -- the FHIR base that was used, for links and references
  dry_run boolean not null,
  state text not null check (state in ('receiving', 'running', 'done', 'cancelled', 'stopped')),
  stop_code text,                 -- why it was stopped: a refusal code
  request_id text not null,
  address text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  expires_at timestamptz not null,
  rows integer not null default 0,
  rows_done integer not null default 0,
  parts integer not null default 0,
  parts_done integer not null default 0,
  primary key (route, id),
  check (route = fhir_route(id))
);
create index register_job_running on register_job (parts_done, created_at) where state = 'running';
create index register_job_expiry on register_job (expires_at);

create table register_part (
  route integer not null,
  job_id uuid not null,
  number integer not null,        -- from 1
  first_row integer not null,
  rows integer not null,
  input text,                     -- NDJSON; null when it is done
  result text,                    -- Parameters, as the answer to so many rows at once would be
  counts jsonb,
  primary key (route, job_id, number)
);

alter table register_job enable row level security;
alter table register_part enable row level security;
create policy own on register_job to cs_service using (organisation_id = app_organisation())
  with check (organisation_id = app_organisation());
create policy own on register_part to cs_service
  using (exists (select from register_job j where j.route = register_part.route and j.id = register_part.job_id))
  with check (exists (select from register_job j where j.route = register_part.route and j.id = register_part.job_id));
grant select, insert, update on register_job, register_part to cs_service;

-- The next part to be worked on, of any organisation; its job is held until the transaction ends, so that its parts
-- are taken one after another, by one process at a time, and taken again if that process dies.
create function take_register_part(out job_route integer, out job_id uuid, out organisation_id uuid, out connection_id uuid,
                                   out client_id text, out base text, out dry_run boolean, out request_id text,
                                   out address text, out number integer, out first_row integer, out input text)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  select j.route, j.id, j.organisation_id, j.connection_id, j.client_id, j.base, j.dry_run, j.request_id, j.address
    into job_route, job_id, organisation_id, connection_id, client_id, base, dry_run, request_id, address
    from register_job j where j.state = 'running'
   order by j.parts_done, j.created_at limit 1 for update skip locked;
  select p.number, p.first_row, p.input into number, first_row, input
    from register_part p where p.route = job_route and p.job_id = take_register_part.job_id and p.result is null
   order by p.number limit 1;
end $$;

-- Ends a job whose connection no longer carries it. What is done stays done; the rest is not kept.
create function stop_register_job(p_route integer, p_id uuid, p_code text) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  update register_job j set state = 'stopped', stop_code = p_code, finished_at = clock_timestamp()
   where j.route = p_route and j.id = p_id and j.state = 'running';
  update register_part p set input = null where p.route = p_route and p.job_id = p_id;
end $$;

-- Removes what is kept for a time only.
create function sweep_operations() returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  delete from operation_answer a where a.expires_at < clock_timestamp();
  delete from birth_date_failure f where f.since < clock_timestamp() - interval '1 day';
  delete from register_part p using register_job j
   where p.route = j.route and p.job_id = j.id and j.expires_at < clock_timestamp() and j.state <> 'running';
  delete from register_job j where j.expires_at < clock_timestamp() and j.state <> 'running';
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['take_register_part', 'stop_register_job', 'sweep_operations'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;
