-- Push that its vendor can change and repair, that its administrator can see, and whose signing keys are changed in time.

---------------------------------------------------------------------------------------------- subscriptions that change
-- `status` goes on to say whether events are queued; what a vendor is shown is subscription_standing().
alter table subscription
  add column paused boolean not null default false,    -- by its vendor: events are queued, nothing is sent
  -- The endpoint was changed and has not taken a handshake since: nothing but that is sent to it.
  add column unproven boolean not null default false;

alter table notification
  add column resent_at timestamptz,   -- its vendor asked for it again: its age counts from then
  add column tried_at timestamptz;

create function subscription_standing(s subscription) returns text language sql immutable parallel safe
  return case when s.paused then 'off'
              when s.unproven and s.status in ('active', 'error') then 'requested'
              else s.status end;

-- The subscription `p_id` of this transaction's connection as it is to be from now on. Null headers keep those that it has,
-- unless the endpoint is another: a secret is for whom it was given. Whatever could bring events to who has not asked for
-- them needs a handshake first. What is queued is kept as far as it is still asked for.
create function fhir_update_subscription(
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
     and s.organisation_id = app_organisation() for update;
  if not found then
    return query select 'not-found', null::text, null::text, null::integer, null::timestamptz;
    return;
  end if;
  if p_version is not null and p_version <> old.version then
    return query select 'version-conflict', null::text, null::text, null::integer, null::timestamptz;
    return;
  end if;
  shake := old.endpoint <> p_endpoint or p_headers is not null or (old.status = 'off' and not p_paused);
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

------------------------------------------------------------------------------------------ what may be told at all
-- Whether the subscription's connection may know of it as things are now: its permissions, those registered and those of
-- the token that subscribed, its labels and teams, what the patient shares, and the label that the entry has by now. Asked
-- of every notification that is sent, given up or shown, for they are queued before anybody asked.
create function notification_covered(n notification, s subscription) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from connection c
      join system y on y.client_id = c.client_id
      cross join notification_needs(n.topic, n.focus_type) needs
     where c.id = s.connection_id
       and c.permissions && '{Subscription.c,*.c}' and y.permissions && '{Subscription.c,*.c}'
       and (needs is null or (c.permissions && needs and y.permissions && needs and s.permissions && needs))
       and (s.types is null or n.focus_type is null or n.focus_type = any(s.types))
       and (n.label is null or (c.labels >> n.label) & 1 = 1)
       and (n.patient_id is null or exists (
         select from registration g
          where g.route = fhir_route(n.patient_id) and g.patient_id = n.patient_id
            and g.organisation_id = s.organisation_id and (c.teams is null or g.teams && c.teams)
            and (n.writer = s.organisation_id or n.focus_type = 'Patient' or (g.shared_labels >> n.label) & 1 = 1)
            and not exists (
              select from resource r
               where r.route = fhir_route(n.focus_id) and r.id = n.focus_id
                 and ((c.labels >> r.label) & 1 = 0
                      or not (r.organisation_id = s.organisation_id or r.type = 'Patient'
                              or ((g.shared_labels >> r.label) & 1 = 1 and r.by_patient is null)))))))
$$;

------------------------------------------------------------------------------------------------- what came of it
-- How often, by the day in London; kept when the subscription is gone.
create table push_count (
  organisation_id uuid not null,
  connection_id uuid not null,
  subscription_id uuid not null,
  day date not null,
  delivered integer not null default 0,
  failed integer not null default 0,      -- attempts
  given_up integer not null default 0,
  delivered_at timestamptz,               -- the last of the day
  failed_at timestamptz,
  error text,                             -- of the last that failed
  primary key (connection_id, day, subscription_id)
);
alter table push_count enable row level security;
create policy own on push_count for select to cs_service using (
  organisation_id = app_organisation() and (app_connection() is null or connection_id = app_connection()));
revoke all on push_count from cs_service;
grant select on push_count to cs_service;

create function count_push(p_route integer, p_subscription uuid, p_delivered integer, p_failed integer, p_given_up integer,
                           p_error text) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  insert into push_count as c (organisation_id, connection_id, subscription_id, day, delivered, failed, given_up,
                               delivered_at, failed_at, error)
  select s.organisation_id, s.connection_id, s.id, (clock_timestamp() at time zone 'Europe/London')::date,
         p_delivered, p_failed, p_given_up, case when p_delivered > 0 then clock_timestamp() end,
         case when p_failed > 0 then clock_timestamp() end, p_error
    from subscription s where s.route = p_route and s.id = p_subscription
  on conflict (connection_id, day, subscription_id) do update
    set delivered = c.delivered + excluded.delivered, failed = c.failed + excluded.failed,
        given_up = c.given_up + excluded.given_up,
        delivered_at = coalesce(excluded.delivered_at, c.delivered_at),
        failed_at = coalesce(excluded.failed_at, c.failed_at), error = coalesce(excluded.error, c.error)
$$;

-- For the organisation's staff alone: a system's transaction has a connection.
create function push_of_connection(p_connection uuid)
returns table (topic text, endpoint text, standing text, paused boolean, created_at timestamptz, ends_at timestamptz,
               waiting integer, dead integer, delivered_at timestamptz, failed_at timestamptz, failing boolean, error text)
language sql stable security definer set search_path = public, pg_temp as $$
  select s.topic, s.endpoint, subscription_standing(s), s.paused, s.created_at, s.ends_at,
         (select count(*)::integer from notification n
           where n.route = s.route and n.subscription_id = s.id and n.dead_at is null and n.topic <> 'handshake'),
         (select count(*)::integer from notification n
           where n.route = s.route and n.subscription_id = s.id and n.dead_at is not null and n.topic <> 'handshake'),
         done.at, failed.at, s.failures > 0, coalesce(failed.error, s.error)
    from subscription s
    left join lateral (select p.delivered_at as at from push_count p
                        where p.connection_id = s.connection_id and p.subscription_id = s.id and p.delivered_at is not null
                        order by p.day desc limit 1) done on true
    left join lateral (select p.failed_at as at, p.error from push_count p
                        where p.connection_id = s.connection_id and p.subscription_id = s.id and p.failed_at is not null
                        order by p.day desc limit 1) failed on true
   where s.connection_id = p_connection and s.organisation_id = app_organisation() and app_connection() is null
   order by s.created_at, s.id
$$;

-- When what waits still, and what was given up and is still kept, happened.
create function push_waiting(p_connection uuid) returns table (at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
  select n.at from subscription s
    join notification n on n.route = s.route and n.subscription_id = s.id
   where s.connection_id = p_connection and s.organisation_id = app_organisation() and app_connection() is null
     and n.dead_at is null and n.topic <> 'handshake'
$$;

------------------------------------------------------------------------------------------------- sending
-- As in 0013, but: while it is paused nothing is sent; before an endpoint has taken a handshake nothing else is.
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
  -- In the order of subscriptions, so that two processes never wait for each other.
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
    select x.* into s from subscription x where x.route = n.route and x.id = n.subscription_id for no key update;
    -- Changed since it was looked at.
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

-- The receiver took it. A handshake makes the subscription active, and so does any success after an error.
create or replace function notification_sent(p_route integer, p_subscription uuid, p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  topic_ text;
begin
  -- Gone: the endpoint was changed meanwhile, and what an earlier one took says nothing about this one.
  delete from notification q where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id
  returning q.topic into topic_;
  if topic_ is null then
    return;
  end if;
  update subscription s set failures = 0, retry_at = null
   where s.route = p_route and s.id = p_subscription and s.failures > 0;
  update subscription s
     set status = 'active', unproven = s.unproven and topic_ <> 'handshake', error = null, version = s.version + 1,
         updated_at = clock_timestamp()
   where s.route = p_route and s.id = p_subscription
     and case when topic_ = 'handshake' then s.unproven or s.status in ('requested', 'error')
              else s.status = 'error' and not s.unproven end;
  if topic_ <> 'handshake' then
    perform count_push(p_route, p_subscription, 1, 0, 0, null);
  end if;
end $$;

-- Gives up what is older than `p_before`: dead letters, numbered. What the connection may not know of is dropped instead,
-- for much of it was never looked at yet. What another process holds, or is more than a statement should take on, is left
-- to the next time.
create function give_up_notifications(p_route integer, p_subscription uuid, p_error text, p_before timestamptz)
returns integer language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  s subscription;
  dead_count integer;
begin
  select x.* into s from subscription x where x.route = p_route and x.id = p_subscription for no key update;
  with old as materialized (
    select q.* from notification q
     where q.route = p_route and q.subscription_id = p_subscription and q.dead_at is null
       and coalesce(q.resent_at, q.at) <= p_before
     limit 10000 for update skip locked),
  judged as materialized (
    select o.id, o.topic, o.number, o.at,
           o.topic = 'handshake' or notification_covered((select n from notification n
              where n.route = p_route and n.subscription_id = p_subscription and n.id = o.id), s) as covered
      from old o),
  dropped as (
    delete from notification q using judged j
     where q.route = p_route and q.subscription_id = p_subscription and q.id = j.id and not j.covered),
  numbered as (
    select j.id, s.events + row_number() over (order by j.at, j.id) as number
      from judged j where j.covered and j.number is null and j.topic <> 'handshake'),
  counted as (
    update subscription x set events = x.events + (select count(*) from numbered)
     where x.route = p_route and x.id = p_subscription and exists (select from numbered)),
  dead as (
    update notification q set dead_at = clock_timestamp(), error = p_error, number = coalesce(q.number, m.number)
      from judged j left join numbered m on m.id = j.id
     where q.route = p_route and q.subscription_id = p_subscription and q.id = j.id and j.covered
    returning q.topic)
  select count(*) filter (where d.topic <> 'handshake') into dead_count from dead d;
  return dead_count;
end $$;

-- It did not take it: the receiver is tried again after `p_wait`. Several that fail together are one failure. What is older
-- than `p_give_up` by then is given up, and the subscription says so; an endpoint that never took a handshake is left alone.
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

-- Dead letters are shown for thirty days. What waits for a subscription that is paused, whose new endpoint takes no
-- handshake, or whose receiver goes on failing is given up as early as what is tried.
create or replace function sweep_notifications() returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  s record;
  dead_count integer;
begin
  delete from notification q where q.dead_at < clock_timestamp() - interval '30 days';
  -- Access has ended: nothing is queued any more, and what was goes, also where nothing was due meanwhile. That it ended
  -- is still told.
  for s in select x.route, x.id from subscription x join connection c on c.id = x.connection_id
            where x.status <> 'off' and x.topic <> 'connection-changed'
              and (c.status in ('revoked', 'expired') or c.expires_at <= clock_timestamp())
            order by x.route, x.id
  loop
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
            order by x.route, x.id
  loop
    dead_count := give_up_notifications(s.route, s.id, s.why, clock_timestamp() - interval '60 hours');
    if dead_count > 0 then
      perform count_push(s.route, s.id, 0, 0, dead_count, null);
    end if;
  end loop;
end $$;

----------------------------------------------------------------------------------------- what its vendor can do
-- Events of this transaction's connection that are kept: what was given up and what is being tried, by number. Only what
-- it may still know of.
-- At most `p_limit`, asked one after another until there are so many: newest first of dead letters alone, else from the
-- lowest number.
create function subscription_events(p_route integer, p_id uuid, p_from bigint, p_to bigint, p_dead_only boolean,
                                    p_limit integer)
returns table (id uuid, number bigint, at timestamptz, change text, focus_type text, focus_id uuid, patient_id uuid,
               attempts smallint, tried_at timestamptz, dead_at timestamptz, error text)
language sql stable security definer set search_path = public, pg_temp as $$
  select (e.n).id, (e.n).number, (e.n).at, (e.n).change, (e.n).focus_type, (e.n).focus_id, (e.n).patient_id, (e.n).attempts,
         (e.n).tried_at, (e.n).dead_at, (e.n).error
    from (select n, s from subscription s
            join notification n on n.route = s.route and n.subscription_id = s.id
           where s.route = p_route and s.id = p_id and s.connection_id = app_connection()
             and s.organisation_id = app_organisation()
             and n.topic <> 'handshake' and n.number between p_from and p_to and (n.dead_at is not null or not p_dead_only)
           order by case when p_dead_only then -n.number else n.number end offset 0) e
   where notification_covered(e.n, e.s) limit p_limit
$$;

-- Dead letters of these numbers are sent again, as if they had happened now, ten thousand at once, the newest first. Null when there is no such subscription,
-- -1 when it has ended: then there is nobody to send to.
create function redeliver_notifications(p_route integer, p_id uuid, p_from bigint, p_to bigint) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  s subscription;
  sent integer;
begin
  select x.* into s from subscription x
   where x.route = p_route and x.id = p_id and x.connection_id = app_connection()
     and x.organisation_id = app_organisation() for no key update;
  if not found then
    return null;
  end if;
  if s.status = 'off' or s.ends_at <= clock_timestamp() then
    return -1;
  end if;
  update notification q
     set dead_at = null, error = null, attempts = 0, resent_at = clock_timestamp(), next_attempt_at = clock_timestamp()
   where q.route = p_route and q.subscription_id = p_id and q.dead_at is not null
     and q.id in (select e.id from subscription_events(p_route, p_id, p_from, p_to, true, 10000) e);
  get diagnostics sent = row_count;
  if sent > 0 then
    update subscription x set failures = 0, retry_at = null where x.route = p_route and x.id = p_id;
  end if;
  return sent;
end $$;

---------------------------------------------------------------------------------------------- signing keys change
-- `retired_at` may lie ahead: until then the key signs, and the one that follows is already shown. The newest has none.
create function current_signing_key() returns table (kid text, sealed bytea)
language sql stable security definer set search_path = public, pg_temp as $$
  select k.kid, k.sealed from signing_key k
   where k.retired_at is null or k.retired_at > clock_timestamp()
   order by k.retired_at nulls last limit 1
$$;

-- Makes this key the one that signs once receivers have had `p_ahead` to fetch it; `false` when there was nothing to do,
-- the newest being younger than `p_older_than`. Of several at once, one does it: the others wait for its row and find a
-- younger key. `p_withdraw` takes the earlier ones out of what is shown, and the new one signs at once.
create function rotate_signing_key(p_kid text, p_sealed bytea, p_public_jwk jsonb, p_ahead interval,
                                   p_older_than interval, p_withdraw boolean) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  now_ timestamptz := clock_timestamp();
begin
  if p_withdraw then
    delete from signing_key;
  else
    update signing_key k
       set retired_at = p_ahead + greatest(now_, (select max(o.retired_at) from signing_key o))
     where k.retired_at is null and k.created_at <= now_ - p_older_than;
    if not found and exists (select from signing_key) then
      return false;
    end if;
  end if;
  insert into signing_key (kid, sealed, public_jwk) values (p_kid, p_sealed, p_public_jwk) on conflict do nothing;
  return found;
end $$;

-- A key that signs no more is shown for `p_shown`, without its private half.
create function sweep_signing_keys(p_shown interval) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  delete from signing_key k where k.retired_at <= clock_timestamp() - p_shown;
  update signing_key k set sealed = '' where k.retired_at <= clock_timestamp() - interval '1 hour' and k.sealed <> '';
$$;

do $$
declare
  name text;
begin
  foreach name in array array['notification_covered', 'count_push', 'give_up_notifications'] loop
    execute format('revoke all on function %I from public', name);
  end loop;
  foreach name in array array['fhir_update_subscription', 'push_of_connection', 'push_waiting', 'subscription_events',
                              'redeliver_notifications', 'current_signing_key', 'rotate_signing_key',
                              'sweep_signing_keys'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;
