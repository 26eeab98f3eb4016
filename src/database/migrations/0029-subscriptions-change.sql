-- A Subscription can be changed. Nothing is sent to a receiver that has not agreed: a new address, or new headers, or
-- being resumed, begins with a handshake, and what waits is held until it was answered.
create function fhir_update_subscription(
  p_token_hash bytea, p_route integer, p_id uuid, p_if_match integer, p_status text, p_topic text, p_types text[],
  p_endpoint text, p_headers bytea, p_content text, p_ends_at timestamptz
) returns table (result text, version integer, status text, error text, updated_at timestamptz)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  held subscription;
  now_ timestamptz;
  next text;
begin
  select s.* into held from subscription s
   where s.route = p_route and s.id = p_id and s.connection_id = app_connection()
     and s.organisation_id = app_organisation() for update;
  if not found then
    return query select 'not-found', null::integer, null::text, null::text, null::timestamptz;
    return;
  end if;
  if p_if_match is not null and p_if_match <> held.version then
    return query select 'version-conflict', null::integer, null::text, null::text, null::timestamptz;
    return;
  end if;
  -- As it stands, unless it is switched off, asked for anew, or its receiver is another one. Headers cannot be compared.
  next := case when p_status in ('off', 'requested') then p_status
               when held.status <> 'off' and (held.endpoint <> p_endpoint or p_headers is not null) then 'requested'
               else held.status end;
  now_ := fhir_now(held.updated_at);
  update subscription s
     set status = next, topic = p_topic, types = p_types, endpoint = p_endpoint, content = p_content, ends_at = p_ends_at,
         -- Never shown, so never sent back: they stay with the address that they were meant for.
         headers = case when p_headers is not null then p_headers when s.endpoint = p_endpoint then s.headers end,
         permissions = (select t.permissions from access_token t where t.token_hash = p_token_hash),
         failures = case next when 'requested' then 0 else s.failures end,
         retry_at = case next when 'requested' then null else s.retry_at end,
         error = case when next in ('requested', 'off') then null else s.error end,
         version = s.version + 1, updated_at = now_
   where s.route = p_route and s.id = p_id;
  delete from notification q
   where q.route = p_route and q.subscription_id = p_id and q.dead_at is null
     and (next = 'off' or q.topic = 'handshake' or held.topic <> p_topic or held.types is distinct from p_types);
  if next = 'requested' then
    insert into notification (route, subscription_id, topic, at, change, next_attempt_at)
    values (p_route, p_id, 'handshake', now_, 'create', now_);
  end if;
  return query select 'updated', s.version, s.status, s.error, s.updated_at
                 from subscription s where s.route = p_route and s.id = p_id;
end $$;

-- What was given up, once more. One that fails again is given up again at once, being as old as it was.
create function fhir_redeliver(p_route integer, p_id uuid) returns table (result text, queued integer)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  held subscription;
begin
  select s.* into held from subscription s
   where s.route = p_route and s.id = p_id and s.connection_id = app_connection()
     and s.organisation_id = app_organisation() for no key update;
  if not found or held.status = 'off' then
    return query select case when held.id is null then 'not-found' else 'off' end, 0;
    return;
  end if;
  update notification q set dead_at = null, next_attempt_at = clock_timestamp()
   where q.route = p_route and q.subscription_id = p_id and q.dead_at is not null and q.topic <> 'handshake';
  get diagnostics queued = row_count;
  if queued > 0 then
    update subscription s set failures = 0, retry_at = null where s.route = p_route and s.id = p_id;
  end if;
  result := 'queued';
  return next;
end $$;
revoke all on function fhir_redeliver from public;
grant execute on function fhir_redeliver to cs_service;
revoke all on function fhir_update_subscription from public;
grant execute on function fhir_update_subscription to cs_service;

-- As in 0013, but for what waits while the receiver has not agreed.
create or replace function take_notifications(p_subscriptions integer, p_each integer, p_busy uuid[], p_lease interval)
returns table (route integer, subscription_id uuid, id uuid, topic text, at timestamptz, change text, focus_type text,
               focus_id uuid, patient_id uuid, number bigint, attempts smallint, endpoint text, headers bytea,
               status text, organisation_id uuid, connection_id uuid, client_id text, subscribed_topic text, failures integer)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  n record;
  held record;
  needs text[];
  now_ timestamptz := clock_timestamp();
begin
  -- In the order of subscriptions, so that two processes never wait for each other.
  for n in
    with ready as materialized (
      select s.route, s.id, s.status, case when s.failures > 0 then 1 else p_each end as each
        from subscription s
       where (s.retry_at is null or s.retry_at <= now_) and s.id <> all(p_busy)
         and exists (select from notification q where q.route = s.route and q.subscription_id = s.id
                                                  and q.dead_at is null and q.next_attempt_at <= now_
                                                  and (s.status <> 'requested' or q.topic = 'handshake'))
       order by random() limit p_subscriptions),
    due as materialized (
      select q.* from ready r cross join lateral (
        select * from notification q
         where q.route = r.route and q.subscription_id = r.id and q.dead_at is null and q.next_attempt_at <= now_
           and (r.status <> 'requested' or q.topic = 'handshake')
         order by q.next_attempt_at limit r.each for update skip locked) q)
    select * from due order by subscription_id, at
  loop
    select s.*, c.client_id, c.labels, c.teams, c.permissions as granted, y.permissions as registered,
           y.standing = 'live' as live,
           c.status = 'suspended' as suspended,
           c.status in ('revoked', 'expired') or c.expires_at <= now_ or s.ends_at <= now_ or exists (
             select from connection o where o.organisation_id = c.organisation_id and o.client_id = c.client_id
                                        and o.granted_at > c.granted_at) as over
      into held
      from subscription s
      join connection c on c.id = s.connection_id
      join system y on y.client_id = c.client_id
     where s.route = n.route and s.id = n.subscription_id
       for no key update of s;
    continue when not found;
    -- Its receiver was changed since: it has to agree first.
    continue when held.status = 'requested' and n.topic <> 'handshake';
    if held.status = 'off' or (held.over and n.topic <> 'connection-changed') or held.ends_at <= now_ then
      update subscription s set status = 'off', version = s.version + 1, updated_at = now_
       where s.route = n.route and s.id = n.subscription_id and s.status <> 'off';
      delete from notification q
       where q.route = n.route and q.subscription_id = n.subscription_id
         and q.id in (select o.id from notification o where o.route = n.route and o.subscription_id = n.subscription_id
                         for update skip locked);
      continue;
    end if;
    if not held.live or (held.suspended and n.topic <> 'connection-changed') then
      update notification q set next_attempt_at = now_ + interval '15 minutes'
       where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
      continue;
    end if;
    needs := notification_needs(n.topic, n.focus_type);
    if not (held.granted && '{Subscription.c,*.c}' and held.registered && '{Subscription.c,*.c}')
       or (needs is not null and not (held.granted && needs and held.registered && needs and held.permissions && needs))
       or (n.label is not null and (held.labels >> n.label) & 1 = 0)
       or (n.patient_id is not null and not exists (
             select from registration g
              where g.route = fhir_route(n.patient_id) and g.patient_id = n.patient_id
                and g.organisation_id = held.organisation_id and (held.teams is null or g.teams && held.teams)
                and (n.writer = held.organisation_id or n.focus_type = 'Patient'
                     or (g.shared_labels >> n.label) & 1 = 1))) then
      delete from notification q where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
      continue;
    end if;
    if n.number is null and n.topic <> 'handshake' then
      update subscription s set events = s.events + 1
       where s.route = n.route and s.id = n.subscription_id returning s.events into n.number;
    end if;
    update notification q set number = n.number, attempts = q.attempts + 1, next_attempt_at = now_ + p_lease
     where q.route = n.route and q.subscription_id = n.subscription_id and q.id = n.id;
    return query select n.route, n.subscription_id, n.id, n.topic, n.at, n.change, n.focus_type, n.focus_id,
                        n.patient_id, n.number, (n.attempts + 1)::smallint, held.endpoint, held.headers, held.status,
                        held.organisation_id, held.connection_id, held.client_id, held.topic, held.failures;
  end loop;
end $$;

-- The receiver took it. A handshake, of the address that stands, makes the subscription active; so does any success after
-- an error. What was on its way to an earlier address when it was changed does not speak for the new one.
create or replace function notification_sent(p_route integer, p_subscription uuid, p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  sent text;
begin
  delete from notification q where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id
    returning q.topic into sent;
  if found then
    update subscription s set failures = 0, retry_at = null
     where s.route = p_route and s.id = p_subscription and s.failures > 0;
    update subscription s set status = 'active', error = null, version = s.version + 1, updated_at = clock_timestamp()
     where s.route = p_route and s.id = p_subscription
       and (s.status = 'error' or (s.status = 'requested' and sent = 'handshake'));
  end if;
end $$;
