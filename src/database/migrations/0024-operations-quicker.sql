-- Answers for thousands of identifiers in one row of lists: a row for each, and JSON of each row, cost as much as finding
-- what they say. All lists are in one order; `places` say which identifier an entry belongs to.

---------------------------------------------------------------------------------------- letters of the registered
-- Whether the patient is registered with the organisation that sent the letter, kept beside its identifier: to look the
-- registration up for each of thousands of receipts took a third of the time.
alter table letter_identifier add column registered boolean not null default false;
update letter_identifier w set registered = true
  from registration g where g.route = w.route and g.patient_id = w.patient_id and g.organisation_id = w.organisation_id;

-- Few rows ever are, so that a registration, which has to look for them, finds at once that there are none.
create index letter_identifier_unregistered on letter_identifier (route, patient_id) where not registered;

-- The lock makes the end of the registration wait: it then finds this row, or this row finds it gone.
create function keep_letter_registered() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  perform from registration g
    where g.route = new.route and g.patient_id = new.patient_id and g.organisation_id = new.organisation_id for key share;
  new.registered := found;
  return new;
end $$;
create trigger letter_identifier_registered before insert on letter_identifier
  for each row execute function keep_letter_registered();

create function keep_registered_letters() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    update letter_identifier w set registered = false
      from changed c where w.route = c.route and w.patient_id = c.patient_id and w.organisation_id = c.organisation_id;
  else
    update letter_identifier w set registered = true
      from changed c
     where w.route = c.route and w.patient_id = c.patient_id and w.organisation_id = c.organisation_id and not w.registered;
  end if;
  return null;
end $$;
create trigger registration_letters after insert on registration referencing new table as changed
  for each statement execute function keep_registered_letters();
create trigger registration_letters_ended after delete on registration referencing old table as changed
  for each statement execute function keep_registered_letters();

-------------------------------------------------------------------------------------------------------- the queries
drop function fhir_numbered_patients, fhir_last_data_points, fhir_read_receipts;

-- Milliseconds since 1970, exact by way of whole microseconds: the written form costs several times as much. (Declared
-- immutable, which date_part is not, it would be called for each value and not put in line.)
create function fhir_millis(at timestamptz) returns bigint language sql stable parallel safe
  return (date_part('epoch', at) * 1000000::float8)::bigint / 1000;

create function fhir_patient_statuses(
  p_system_names text[], p_rows integer[], p_systems integer[], p_values text[],
  out places integer[], out patients uuid[], out joined boolean[], out deceased boolean[], out born date[]
) language sql stable security definer set search_path = public, pg_temp as $$
  select array_agg(k.n), array_agg(i.patient_id), array_agg(p.joined_at is not null), array_agg(p.deceased),
         array_agg(p.birth_date)
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
create function fhir_last_data_points(
  p_system_names text[], p_rows integer[], p_systems integer[], p_values text[],
  out places integer[], out patients uuid[], out at bigint[]
) language sql stable security definer set search_path = public, pg_temp as $$
  select array_agg(k.n), array_agg(i.patient_id), array_agg(fhir_millis(l.at))
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
-- several, by two entries of one place.
create function fhir_read_receipts(
  p_systems text[], p_values text[], out places integer[], out patients uuid[], out removed boolean[],
  out first_read bigint[], out visible_from bigint[], out unreadable bigint[]
) language sql stable security definer set search_path = public, pg_temp as $$
  select array_agg(k.n::integer), array_agg(x.patient_id), array_agg(x.removed_at is not null),
         array_agg(fhir_millis(x.first_read_at)), array_agg(fhir_millis(x.visible_from)),
         array_agg(fhir_millis(x.reported_unreadable_at))
    from (select app_organisation() as organisation, app_labels() as labels, app_teams() as teams offset 0) s
   cross join unnest(p_systems, p_values) with ordinality k(system, value, n)
   cross join lateral (
    select w.patient_id, l.removed_at, l.first_read_at, l.visible_from, l.reported_unreadable_at
      from letter_identifier w
      join letter l on l.route = w.route and l.id = w.letter_id
     where w.organisation_id = s.organisation and w.value = k.value and (k.system = '' or w.system = k.system)
       and w.registered and (s.labels >> l.label) & 1 = 1
       and (s.teams is null or exists (
             select from registration g where g.route = w.route and g.patient_id = w.patient_id
                and g.organisation_id = s.organisation and g.teams && s.teams))
     limit 2) x
$$;

do $$
declare
  name text;
begin
  foreach name in array array['fhir_patient_statuses', 'fhir_last_data_points', 'fhir_read_receipts'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;

--------------------------------------------------------------------------------------------- who has looked
-- Merging the pending entries costs less for each the more there are: a list of thousands fills a short one every time.
-- At 2 MB, some 50,000 entries, a write waits for it a hundredth of a second or two.
alter index audit_record_patients set (gin_pending_list_limit = 2048);
alter index audit_record_named set (gin_pending_list_limit = 2048);

------------------------------------------------------------------------------------------------ registering
-- The same keys as before, so the index stands as it is. Written as a loop, for a query within an index's expression is
-- set up anew for every row: 10 instead of 31 microseconds for each patient.
create or replace function fhir_person_keys(strings text[], born timestamptz) returns text[]
language plpgsql immutable parallel safe as $$
declare
  s text;
  key text;
  keys text[] := '{}';
begin
  foreach s in array coalesce(strings, '{}') loop
    if s like 'family=___%' or s like 'given=___%' or s like 'name=___%' then
      key := left(s, strpos(s, '=') + 3);
      if key <> all (keys) then
        keys := keys || key;
      end if;
    end if;
  end loop;
  if isfinite(born) then
    keys := keys || ('birthdate=' || (born at time zone 'UTC')::date);
  end if;
  return keys;
end $$;

-- Thousands of patients share the beginnings of their names: merged some hundreds of patients at a time, each beginning
-- is looked for once. A search by name reads what is not merged yet along with the rest, half a megabyte at most.
alter index resource_person set (fastupdate = on, gin_pending_list_limit = 512);
