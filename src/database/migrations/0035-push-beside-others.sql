-- A subscription is its vendor's to make, change and end at any moment; none of that holds up or undoes anybody else's work.

------------------------------------------------------------------------------------------ what happens beside a change
-- The row of a subscription is held while it is told of something, as its key is held anyway for what refers to it. One
-- that is being deleted is passed over: else whoever writes to a record would wait for that vendor, and then be refused
-- for a subscription that is gone.

create or replace function tell_of_records() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if exists (select from subscription s where s.topic = 'record-changed' and s.status in ('active', 'error')) then
    insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, label, writer,
                              next_attempt_at)
    select s.route, s.id, s.topic, clock_timestamp(),
           case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end,
           r.type, r.id, r.patient_id, r.label, r.organisation_id, clock_timestamp()
      from subscription s
      join changed r on s.types is null or r.type = any(s.types)
     where s.topic = 'record-changed' and s.status in ('active', 'error')
       and (r.by_patient is null or r.organisation_id = s.organisation_id)
       and case when r.patient_id is null then r.organisation_id = s.organisation_id
           else exists (select from registration g where g.route = r.route and g.patient_id = r.patient_id
                                                     and g.organisation_id = s.organisation_id) end
       for key share of s skip locked;
  end if;
  return null;
end $$;

create or replace function tell_of_registrations() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, clock_timestamp(), 'create', 'Patient', g.patient_id, g.patient_id, g.organisation_id,
         clock_timestamp()
    from subscription s join changed g on g.organisation_id = s.organisation_id
   where s.topic = 'patient-registered' and s.status in ('active', 'error')
     for key share of s skip locked;
  return null;
end $$;

create or replace function tell_of_letter() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, label, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, new.first_read_at, 'update', 'DocumentReference', new.id, new.patient_id, new.label,
         new.organisation_id, clock_timestamp()
    from subscription s
   where s.topic = 'letter-read' and s.status in ('active', 'error') and s.organisation_id = new.organisation_id
     for key share of s skip locked;
  return null;
end $$;

create or replace function tell_of_invitation() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, new.used_at, 'update', 'Patient', new.patient_id, new.patient_id, new.organisation_id,
         clock_timestamp()
    from subscription s
   where s.topic = 'invitation-used' and s.status in ('active', 'error') and s.organisation_id = new.organisation_id
     for key share of s skip locked;
  return null;
end $$;

create or replace function tell_of_connection() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, next_attempt_at)
  select s.route, s.id, s.topic, new.at, new.kind, clock_timestamp()
    from subscription s
   where s.topic = 'connection-changed' and s.status in ('active', 'error') and s.connection_id = new.connection_id
     for key share of s skip locked;
  return null;
end $$;

-- As in 0023, but: events go on being queued while it is changed; and one that waits for its handshake is sent another when
-- it is asked to go on and none is under way, or the time of the one that is ran out while it was paused.
create or replace function fhir_update_subscription(
  p_token_hash bytea, p_route integer, p_id uuid, p_topic text, p_types text[], p_endpoint text, p_headers bytea,
  p_content text, p_ends_at timestamptz, p_paused boolean, p_version integer
) returns table (result text, status text, error text, version integer, updated_at timestamptz)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  old subscription;
  made subscription;
  shake boolean;
begin
  -- In the order in which those that send lock them.
  perform from notification n
    where n.route = p_route and n.subscription_id = p_id and exists (
      select from subscription s where s.route = p_route and s.id = p_id and s.connection_id = app_connection())
      for update of n;
  select s.* into old from subscription s
   where s.route = p_route and s.id = p_id and s.connection_id = app_connection()
     and s.organisation_id = app_organisation() for no key update;
  if not found then
    return query select 'not-found', null::text, null::text, null::integer, null::timestamptz;
    return;
  end if;
  if p_version is not null and p_version <> old.version then
    return query select 'version-conflict', null::text, null::text, null::integer, null::timestamptz;
    return;
  end if;
  shake := old.endpoint <> p_endpoint or p_headers is not null
    or (not p_paused and (old.status = 'off' or ((old.unproven or old.status = 'requested') and (old.paused or not exists (
          select from notification n where n.route = p_route and n.subscription_id = p_id and n.topic = 'handshake'
                                       and n.dead_at is null)))));
  update subscription s
     set topic = p_topic, types = p_types, endpoint = p_endpoint, content = p_content, ends_at = p_ends_at,
         headers = coalesce(p_headers, case when old.endpoint = p_endpoint then old.headers end),
         permissions = (select t.permissions from access_token t where t.token_hash = p_token_hash),
         paused = p_paused,
         unproven = old.unproven or (shake and old.status in ('active', 'error')),
         status = case when shake and old.status = 'off' then 'requested' else old.status end,
         error = case when shake then null else old.error end,
         failures = case when shake or (old.paused and not p_paused) then 0 else old.failures end,
         retry_at = case when shake or (old.paused and not p_paused) then null else old.retry_at end,
         version = old.version + 1, updated_at = fhir_now()
   where s.route = p_route and s.id = p_id
   returning s.* into made;
  if shake then
    delete from notification n where n.route = p_route and n.subscription_id = p_id and n.topic = 'handshake';
    insert into notification (route, subscription_id, topic, at, change, next_attempt_at)
    values (p_route, p_id, 'handshake', clock_timestamp(), 'update', clock_timestamp());
  end if;
  delete from notification n
   where n.route = p_route and n.subscription_id = p_id and n.topic <> 'handshake'
     and (n.topic <> p_topic or n.focus_type <> all(p_types));
  return query select 'updated', subscription_standing(made), made.error, made.version, made.updated_at;
end $$;

-- In the order in which those that send lock them.
create or replace function fhir_delete_subscription(p_route integer, p_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  perform from notification n
    where n.route = p_route and n.subscription_id = p_id and exists (
      select from subscription s where s.route = p_route and s.id = p_id and s.connection_id = app_connection())
      for update of n;
  delete from subscription s
   where s.route = p_route and s.id = p_id and s.connection_id = app_connection()
     and s.organisation_id = app_organisation();
  return found;
end $$;
revoke all on function fhir_delete_subscription from public;
grant execute on function fhir_delete_subscription to cs_service;
revoke delete on subscription from cs_service;

------------------------------------------------------------------------------------------------- sending

-- As in 0023, but it waits for nobody: whoever holds a subscription, its notifications are left to the next look.
create or replace function take_notifications(p_subscriptions integer, p_each integer, p_busy uuid[], p_lease interval)
returns table (route integer, subscription_id uuid, id uuid, topic text, at timestamptz, change text, focus_type text,
               focus_id uuid, patient_id uuid, number bigint, attempts smallint, endpoint text, headers bytea,
               status text, organisation_id uuid, connection_id uuid, client_id text, subscribed_topic text, failures integer)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  n notification;
  s subscription;
  held record;
  now_ timestamptz := clock_timestamp();
begin
  for n in
    with ready as materialized (
      select s.route, s.id, s.unproven or s.status = 'requested' as unproven,
             case when s.failures > 0 then 1 else p_each end as each
        from subscription s
       where (s.retry_at is null or s.retry_at <= now_) and s.id <> all(p_busy) and not s.paused
         and exists (select from notification q
                      where q.route = s.route and q.subscription_id = s.id and q.dead_at is null
                        and q.next_attempt_at <= now_
                        and (q.topic = 'handshake' or not (s.unproven or s.status = 'requested')))
       order by random() limit p_subscriptions),
    due as materialized (
      select q.* from ready r cross join lateral (
        select * from notification q
         where q.route = r.route and q.subscription_id = r.id and q.dead_at is null and q.next_attempt_at <= now_
           and (q.topic = 'handshake' or not r.unproven)
         order by q.next_attempt_at limit r.each for update skip locked) q)
    select * from due order by subscription_id, at
  loop
    select x.* into s from subscription x where x.route = n.route and x.id = n.subscription_id for no key update skip locked;
    -- Held by others, or changed since it was looked at.
    continue when not found or s.paused or (n.topic <> 'handshake' and (s.unproven or s.status = 'requested'));
    select c.client_id, y.standing = 'live' as live, c.status = 'suspended' as suspended,
           c.status in ('revoked', 'expired') or c.expires_at <= now_ or exists (
             select from connection o where o.organisation_id = c.organisation_id and o.client_id = c.client_id
                                        and o.granted_at > c.granted_at) as over
      into held
      from connection c join system y on y.client_id = c.client_id
     where c.id = s.connection_id;
    continue when not found;
    if s.status = 'off' or (held.over and n.topic <> 'connection-changed') or s.ends_at <= now_ then
      update subscription x set status = 'off', version = x.version + 1, updated_at = now_
       where x.route = n.route and x.id = n.subscription_id and x.status <> 'off';
      delete from notification q
       where q.route = n.route and q.subscription_id = n.subscription_id
         and q.id in (select o.id from notification o
                       where o.route = n.route and o.subscription_id = n.subscription_id
                         and (held.over or o.dead_at is null) limit 10000 for update skip locked);
      continue;
    end if;
    if not held.live or (held.suspended and n.topic <> 'connection-changed') then
      update notification q set next_attempt_at = now_ + interval '15 minutes'
       where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
      continue;
    end if;
    if not notification_covered(n, s) then
      delete from notification q where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
      continue;
    end if;
    if n.number is null and n.topic <> 'handshake' then
      update subscription x set events = x.events + 1
       where x.route = n.route and x.id = n.subscription_id returning x.events into n.number;
    end if;
    update notification q set number = n.number, attempts = q.attempts + 1, tried_at = now_, next_attempt_at = now_ + p_lease
     where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
    return query select n.route, n.subscription_id, n.id, n.topic, n.at, n.change, n.focus_type, n.focus_id,
                        n.patient_id, n.number, (n.attempts + 1)::smallint, s.endpoint, s.headers,
                        subscription_standing(s), s.organisation_id, s.connection_id, held.client_id, s.topic, s.failures;
  end loop;
end $$;

-- As in 0023, but events alone: a handshake that is given up ends the subscription, which is for the one that tried it to do.
create or replace function give_up_notifications(p_route integer, p_subscription uuid, p_error text, p_before timestamptz)
returns integer language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  s subscription;
  dead_count integer;
begin
  select x.* into s from subscription x where x.route = p_route and x.id = p_subscription for no key update;
  with old as materialized (
    select q.* from notification q
     where q.route = p_route and q.subscription_id = p_subscription and q.dead_at is null
       and q.topic <> 'handshake' and coalesce(q.resent_at, q.at) <= p_before
     limit 10000 for update skip locked),
  judged as materialized (
    select o.id, o.number, o.at,
           notification_covered((select n from notification n
              where n.route = p_route and n.subscription_id = p_subscription and n.id = o.id), s) as covered
      from old o),
  dropped as (
    delete from notification q using judged j
     where q.route = p_route and q.subscription_id = p_subscription and q.id = j.id and not j.covered),
  numbered as (
    select j.id, s.events + row_number() over (order by j.at, j.id) as number
      from judged j where j.covered and j.number is null),
  counted as (
    update subscription x set events = x.events + (select count(*) from numbered)
     where x.route = p_route and x.id = p_subscription and exists (select from numbered)),
  dead as (
    update notification q set dead_at = clock_timestamp(), error = p_error, number = coalesce(q.number, m.number)
      from judged j left join numbered m on m.id = j.id
     where q.route = p_route and q.subscription_id = p_subscription and q.id = j.id and j.covered
    returning q.id)
  select count(*) into dead_count from dead;
  return dead_count;
end $$;

create or replace function notification_failed(p_route integer, p_subscription uuid, p_id uuid, p_error text,
                                               p_wait interval, p_give_up interval) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  now_ timestamptz := clock_timestamp();
  failed_ notification;
  dead_count integer;
begin
  update notification q set error = p_error, next_attempt_at = now_ + p_wait
   where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id and q.dead_at is null
  returning q.* into failed_;
  if failed_.id is null then
    return false; -- the subscription was changed or ended meanwhile
  end if;
  update subscription s set failures = s.failures + 1, retry_at = now_ + p_wait
   where s.route = p_route and s.id = p_subscription and (s.retry_at is null or s.retry_at <= now_);
  dead_count := give_up_notifications(p_route, p_subscription, p_error, now_ - p_give_up);
  perform count_push(p_route, p_subscription, 0, 1, dead_count, p_error);
  if failed_.topic = 'handshake' and failed_.at <= now_ - p_give_up then
    delete from notification q where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id;
    update subscription s set status = 'off', unproven = false, error = p_error, version = s.version + 1, updated_at = now_
     where s.route = p_route and s.id = p_subscription and s.status <> 'off';
    return true;
  end if;
  if dead_count > 0 then
    update subscription s set status = 'error', error = p_error, version = s.version + 1, updated_at = now_
     where s.route = p_route and s.id = p_subscription and s.status in ('active', 'error') and not s.unproven;
  end if;
  return dead_count > 0;
end $$;

-- As in 0023, but for a few seconds at most, then in another order the next time: many who wait with much would else keep it
-- from ever being done.
create or replace function sweep_notifications() returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  s record;
  dead_count integer;
  until timestamptz := clock_timestamp() + interval '3 seconds';
begin
  delete from notification q using (
    select o.route, o.subscription_id, o.id from notification o where o.dead_at < clock_timestamp() - interval '30 days'
     limit 50000 for update skip locked) o
   where q.route = o.route and q.subscription_id = o.subscription_id and q.id = o.id;
  -- Access has ended: nothing is queued any more, and what was goes, also where nothing was due meanwhile. That it ended
  -- is still told.
  for s in select x.route, x.id from subscription x join connection c on c.id = x.connection_id
            where x.status <> 'off' and x.topic <> 'connection-changed'
              and (c.status in ('revoked', 'expired') or c.expires_at <= clock_timestamp())
            order by random()
  loop
    exit when clock_timestamp() > until;
    perform from subscription x where x.route = s.route and x.id = s.id for no key update skip locked;
    continue when not found;
    update subscription x set status = 'off', paused = false, version = x.version + 1, updated_at = clock_timestamp()
     where x.route = s.route and x.id = s.id;
    delete from notification q
     where q.route = s.route and q.subscription_id = s.id
       and q.id in (select o.id from notification o where o.route = s.route and o.subscription_id = s.id
                     limit 10000 for update skip locked);
  end loop;
  for s in select x.route, x.id,
                  case when x.paused then 'paused' when x.unproven then 'no-handshake' else x.error end as why
             from subscription x
            where x.status <> 'off' and (x.paused or x.unproven or (x.status = 'error' and x.failures > 0))
            order by random()
  loop
    exit when clock_timestamp() > until;
    perform from subscription x where x.route = s.route and x.id = s.id for no key update skip locked;
    continue when not found;
    dead_count := give_up_notifications(s.route, s.id, s.why, clock_timestamp() - interval '60 hours');
    if dead_count > 0 then
      perform count_push(s.route, s.id, 0, 0, dead_count, null);
    end if;
  end loop;
end $$;
