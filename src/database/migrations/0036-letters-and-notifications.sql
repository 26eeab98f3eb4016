-- Letters that name versions, and notifications told apart from calls.

------------------------------------------------------------------------------------------------------- letters
-- A letter may name one version of the Binary that holds its content (`Binary/…/_history/1`). It is then opened as it was
-- in that version, as long as the Binary is there.

-- Whoever may read a patient's Binary here may read what it held before.
create policy self on resource_version for select to cs_person using (
  type = 'Binary' and patient_id = (select app_patient()));
create policy broken_glass on resource_version for select to cs_person using (
  type = 'Binary' and patient_id = (select app_glass()) and glass_is_broken(patient_id));

-- As in 0034, but: a letter that names a version holds what it held, whatever the Binary becomes.
create or replace function keep_letters_of_binary() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and (old.content::jsonb - 'meta') = (new.content::jsonb - 'meta') then
    return null;
  end if;
  update letter l
     set earlier_read_at = coalesce(l.first_read_at, l.earlier_read_at), first_read_at = null,
         reported_unreadable_at = null, notified_at = null, contents = l.contents + 1
    from resource d
   where d.route = old.route and d.patient_id = old.patient_id and d.organisation_id = old.organisation_id
     and d.type = 'DocumentReference' and position('Binary/' || old.id::text in d.content) > 0
     and (tg_op = 'DELETE' or d.content ~ ('Binary/' || old.id::text || '(?!/_history/)'))
     and l.route = d.route and l.id = d.id;
  return null;
end $$;

------------------------------------------------------------------------------------------------- notifications
-- What a system was told is none of its calls: each is found without reading through the other. A row stands in one of
-- the three indexes, so a record costs no more to write than before.
create index audit_record_called on audit_record (connection_id, at desc)
  where kind = 'fhir' and outcome = 'allowed' and interaction <> 'notify' and connection_id is not null;
create index audit_record_told on audit_record (connection_id, at desc)
  where kind = 'fhir' and outcome = 'allowed' and interaction = 'notify' and connection_id is not null;
drop index audit_record_allowed;

-- Those of a connection's permissions without which its subscriptions would not be told of something, as
-- notification_covered() asks for them. Of several that each would do, all. For the organisation's staff alone.
create function permissions_for_push(p_connection uuid) returns text[]
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(array_agg(distinct p), '{}')
    from connection c
    join subscription s on s.connection_id = c.id and s.status <> 'off' and (s.ends_at is null or s.ends_at > clock_timestamp())
   cross join lateral (
     select '{Subscription.c,*.c}'::text[] as needs
      union all
     select notification_needs(s.topic, type)
       from unnest(case when s.topic <> 'record-changed' then '{*}' when s.types is not null then s.types
                        else array(select split_part(h, '.', 1) from unnest(c.permissions) h) end) type
      where type <> 'Subscription') n
   cross join unnest(n.needs) p
   where c.id = p_connection and c.organisation_id = app_organisation() and app_connection() is null
     and p = any(c.permissions)
$$;
revoke all on function permissions_for_push from public;
grant execute on function permissions_for_push to cs_service;
