-- Registering thousands of new patients at once looked each of them up four times more than it had to: to lock patients
-- whom nobody else can see, and to find again the identifiers that were at hand.

-- As in 0012, but where `fhir_register_patients` says, in its own transaction, that it writes the rows itself. Who could
-- say so besides would have the rows of its own insertions missing, so that a number finds nobody: nothing is shown.
create or replace function keep_registered_identifiers() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_op = 'INSERT' and current_setting('app.identifiers_kept', true) = 'yes' then
    return null;
  end if;
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

-- As in 0012: the same answers and the same locks, with shorter ways where no two rows share an identifier.
create or replace function fhir_register_patients(
  p_ids uuid[], p_birth_dates date[], p_deceased boolean[], p_labels smallint[],
  p_identifier_rows integer[], p_identifier_systems text[], p_identifier_values text[],
  p_team_rows integer[], p_team_names text[],
  p_sort_from timestamptz[], p_sort_to timestamptz[], p_tokens text[], p_keys text[], p_strings text[],
  p_dates text[], p_numbers text[], p_contents text[]
) returns table (n integer, outcome text, patient_id uuid, version integer, content text, team_added boolean)
language plpgsql volatile security definer set search_path = public, pg_temp
-- Planned for as many rows as there are: a plan that was kept from a few rows takes thousands one by one.
set plan_cache_mode = force_custom_plan
-- What was sent is joined in memory, not in files.
set work_mem = '32MB' as $$
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
  new_n integer[]; got uuid[]; partial uuid[];
  apart boolean; adding boolean; later_n integer[] := '{}';
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
  -- Where no two identifiers have the same value, no row waits for another.
  select count(distinct w.value) = count(*) and count(distinct w.n) = cardinality(p_ids) into apart
    from unnest(p_identifier_rows, p_identifier_values) w(n, value);

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
    if cardinality(refused_n) > 0 then
      pending := array(select unnest(pending) except select unnest(refused_n));
    end if;
    new_n := case when cardinality(known_n) = 0 then pending
                  else array(select unnest(pending) except select unnest(known_n)) end;

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

      -- Rows with an identifier that a row before them has too: if it is new, it goes to the first.
      if not apart then
        later_n := array(
          select distinct f.n
            from (select q.n, min(q.n) over (partition by w.system, w.value) as first_n
                    from unnest(pending) q(n)
                    join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value)
                      on w.n = q.n) f
           where f.n > f.first_n);
      end if;

      -- Whose patient was deleted meanwhile is not among these and stays, to be looked at again; so does a row that
      -- brings a new identifier after another row of the same patient, or with an identifier that another row has too.
      -- (What comes out of a join with a table is guessed to be few rows, and few are joined one by one. So what was sent
      -- is put together first, and all else is looked up by its key.)
      with said as materialized (
        select k.n, k.route, k.id, w.system, w.value
          from unnest(known_n, known_route, known_id) k(n, route, id)
          join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = k.n),
      judged as (
        select k.n, k.route, k.id, bool_or(i.value is null) as adds,
               case when p.birth_date is distinct from p_birth_dates[k.n]
                      or (g.patient_id is null and birth_date_guarded(k.route, k.id, organisation))
                    then 'birth-date-mismatch'
                    when bool_or(i.value <> k.value) then 'identifier-conflict' end as code
          from said k
          join patient p on p.route = k.route and p.id = k.id
          left join registration g on g.route = k.route and g.patient_id = k.id and g.organisation_id = organisation
          left join patient_identifier i on i.route = k.route and i.patient_id = k.id and i.system = k.system
         group by k.n, k.route, k.id, p.birth_date, g.patient_id),
      placed as (
        select j.*, j.adds and j.n = any(later_n) as waits, row_number() over (partition by j.route, j.id, j.code is null order by j.n) as place from judged j)
      select coalesce(array_agg(j.n) filter (where j.code is not null), '{}'),
             coalesce(array_agg(j.code) filter (where j.code is not null), '{}'),
             coalesce(array_agg(j.n) filter (where j.code is null and (j.place = 1 or not j.adds) and not j.waits), '{}'),
             coalesce(array_agg(j.route) filter (where j.code is null and (j.place = 1 or not j.adds) and not j.waits), '{}'),
             coalesce(array_agg(j.id) filter (where j.code is null and (j.place = 1 or not j.adds) and not j.waits), '{}'),
             coalesce(bool_or(j.adds) filter (where j.code is null), false)
        into refused_n, refused_code, ok_n, ok_route, ok_id, adding
        from placed j;
      return query select r.n, r.code, null::uuid, null::integer, null::text, false
                     from unnest(refused_n, refused_code) r(n, code);
      pending := array(select unnest(pending) except select unnest(refused_n) except select unnest(ok_n));

      if adding then
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
    if not apart then
      new_n := array(
        select f.n
          from (select w.n, count(*) as identifiers
                  from (select q.n, min(q.n) over (partition by w.system, w.value) as first_n
                          from unnest(pending) q(n)
                          join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value)
                            on w.n = q.n) w
                 group by w.n having bool_and(w.n = w.first_n)
                intersect all
                select w.n, count(*) from unnest(new_n) q(n) join unnest(p_identifier_rows) w(n) on w.n = q.n group by w.n) f);
    end if;
    -- Of patients that nobody else can see yet, this function itself writes whom an identifier belongs to.
    perform set_config('app.identifiers_kept', 'yes', true);
    with taken as (
      insert into patient_identifier (system, value, route, patient_id)
      select w.system, w.value, fhir_route(p_ids[w.n]), p_ids[w.n]
        from unnest(new_n) q(n)
        join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = q.n
       order by w.system, w.value
      on conflict do nothing
      returning patient_id)
    select coalesce(array_agg(t.patient_id), '{}') into got from taken t;
    if cardinality(got) < (select count(*) from unnest(new_n) q(n) join unnest(p_identifier_rows) w(n) on w.n = q.n) then
      select coalesce(array_agg(q.n) filter (where t.got = w.sent), '{}'),
             coalesce(array_agg(p_ids[q.n]) filter (where t.got < w.sent), '{}')
        into new_n, partial
        from unnest(new_n) q(n)
        join (select n, count(*) as sent from unnest(p_identifier_rows) w(n) group by n) w on w.n = q.n
        join (select id, count(*) as got from unnest(got) t(id) group by id) t on t.id = p_ids[q.n];
      delete from patient_identifier i using unnest(partial) r(id)
       where i.route = fhir_route(r.id) and i.patient_id = r.id;
    end if;

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
    insert into registration_identifier (organisation_id, value, system, route, patient_id)
    select organisation, w.value, w.system, fhir_route(p_ids[w.n]), p_ids[w.n]
      from unnest(new_n) q(n)
      join unnest(p_identifier_rows, p_identifier_systems, p_identifier_values) w(n, system, value) on w.n = q.n
     order by w.value;
    perform set_config('app.identifiers_kept', '', true);
    insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                          tokens, identifiers, strings, dates, numbers, content)
    select fhir_route(r.id), r.id, 'Patient', r.id, organisation, r.label, 1, now_, r.sort_from, r.sort_to,
           coalesce(string_to_array(r.tokens, chr(1)), '{}'), string_to_array(r.keys, chr(1)), string_to_array(r.strings, chr(1)), r.dates::jsonb, r.numbers::jsonb,
           fhir_filled(r.content, 1, now_, r.label)
      from unnest(new_n) q(n)
      join unnest(p_ids, p_labels, p_sort_from, p_sort_to, p_tokens, p_keys, p_strings, p_dates, p_numbers, p_contents)
           with ordinality r(id, label, sort_from, sort_to, tokens, keys, strings, dates, numbers, content, n) on r.n = q.n;
    return query select q.n, 'created', p_ids[q.n], 1, null::text, false from unnest(new_n) q(n);
    pending := case when cardinality(pending) = cardinality(new_n) then '{}'
                    else array(select unnest(pending) except select unnest(new_n)) end;
  end loop;
  return query select q.n, 'write-contended', null::uuid, null::integer, null::text, false from unnest(pending) q(n);
end $$;

alter function fhir_update_patients set work_mem = '32MB';
