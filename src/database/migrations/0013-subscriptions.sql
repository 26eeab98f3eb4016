-- What a connection did, for the numbers on its page.

-------------------------------------------------------------------------------------- the connection that did it
-- The decision names the connection for the rest of its transaction; rows that are made in it keep the name. A column's
-- default sees it whatever function inserts the row, so that none of them need be told.
create function app_connection() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.connection', true), '')::uuid;

alter table registration add column connection_id uuid default app_connection();
alter table letter add column connection_id uuid default app_connection();
create index registration_connection on registration (connection_id) where connection_id is not null;
create index letter_connection on letter (connection_id) where connection_id is not null;

-- Few calls make invitations, and the numbers ask for no others.
create index audit_record_invitations on audit_record (connection_id, at)
  where kind = 'fhir' and outcome = 'allowed' and interaction = '$generate-invitation-tokens';

------------------------------------------------------------------------------------------------ subscriptions
-- A connection's own, seen by no other system of the same organisation: apart from `resource` for that, and because
-- their state is the server's to change.
create table subscription (
  route integer not null,         -- of the organisation
  id uuid not null,
  organisation_id uuid not null,
  connection_id uuid not null,
  topic text not null check (topic in ('letter-read', 'patient-registered', 'invitation-used', 'record-changed',
                                       'connection-changed')),
  types text[],                   -- record-changed: of these types alone
  permissions text[] not null,    -- of the token that made it: what it could not read, it is not told of
  endpoint text not null,
  headers bytea,                  -- sealed (AES-256-GCM), for they may carry the receiver's secret
  content text not null,          -- as it was sent, without what is kept beside it
  status text not null default 'requested' check (status in ('requested', 'active', 'error', 'off')),
  error text,
  ends_at timestamptz,
  events bigint not null default 0,
  failures integer not null default 0,  -- tries since its receiver last took anything
  retry_at timestamptz,           -- nothing is sent to a receiver that fails before this
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (route, id),
  check (route = fhir_route(organisation_id) and route = fhir_route(id))
);
create index subscription_connection on subscription (connection_id);
create index subscription_topic on subscription (topic, organisation_id) where status in ('active', 'error');

-- What is to be sent, put here by the transaction in which it happens; gone once it was taken. Ids only.
create table notification (
  route integer not null,
  subscription_id uuid not null,
  id uuid not null default gen_random_uuid(),
  topic text not null,            -- or 'handshake'
  at timestamptz not null,
  change text not null,           -- 'create', 'update', 'delete', or what became of the connection
  focus_type text,
  focus_id uuid,
  patient_id uuid,
  label smallint,                 -- null: of no label
  writer uuid,                    -- the organisation whose entry it is
  number bigint,                  -- within the subscription, given when it is first sent
  attempts smallint not null default 0,
  next_attempt_at timestamptz not null,
  dead_at timestamptz,            -- given up
  error text,
  primary key (route, subscription_id, id),
  foreign key (route, subscription_id) references subscription on delete cascade
);
create index notification_due on notification (route, subscription_id, next_attempt_at) where dead_at is null;
create index notification_dead on notification (dead_at) where dead_at is not null;

alter table subscription enable row level security;
alter table notification enable row level security;
create policy own on subscription to cs_service
  using (connection_id = app_connection() and organisation_id = app_organisation())
  with check (connection_id = app_connection() and organisation_id = app_organisation());
create policy own on notification for select to cs_service using (exists (
  select from subscription s where s.route = notification.route and s.id = notification.subscription_id));
revoke all on subscription, notification from cs_service;
grant select, insert, delete on subscription to cs_service;
grant select on notification to cs_service;

-- Runs with the caller's rights, after the decision. At most twenty for each connection, counted one after another.
create function fhir_create_subscription(
  p_token_hash bytea, p_id uuid, p_topic text, p_types text[], p_endpoint text, p_headers bytea, p_content text,
  p_ends_at timestamptz
) returns table (result text, id uuid, created_at timestamptz) language plpgsql volatile as $$
#variable_conflict use_column
declare
  organisation uuid := app_organisation();
  new_id uuid := (left(organisation::text, 8) || substr(p_id::text, 9))::uuid;
  now_ timestamptz := fhir_now();
begin
  perform lock_own_connection();
  if (select count(*) from subscription s where s.connection_id = app_connection()) >= 20 then
    return query select 'too-many', null::uuid, now_;
    return;
  end if;
  insert into subscription (route, id, organisation_id, connection_id, topic, types, permissions, endpoint, headers,
                            content, ends_at, created_at, updated_at)
  select fhir_route(organisation), new_id, organisation, app_connection(), p_topic, p_types, t.permissions, p_endpoint, p_headers, p_content, p_ends_at, now_, now_
    from access_token t where t.token_hash = p_token_hash;
  perform queue_handshake(new_id);
  return query select 'created', new_id, now_;
end $$;

create function fhir_delete_subscription(p_route integer, p_id uuid) returns boolean language plpgsql volatile as $$
begin
  delete from subscription s where s.route = p_route and s.id = p_id and s.connection_id = app_connection();
  return found;
end $$;

create function lock_own_connection() returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  select from connection c where c.id = app_connection() for no key update
$$;

create function queue_handshake(p_id uuid) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  insert into notification (route, subscription_id, topic, at, change, next_attempt_at)
  select s.route, s.id, 'handshake', s.created_at, 'create', s.created_at
    from subscription s
   where s.route = fhir_route(p_id) and s.id = p_id and s.connection_id = app_connection() and s.status = 'requested'
$$;

---------------------------------------------------------------------------------------------- what happens
-- Each trigger begins with the few subscriptions there are, so that it costs little where nobody listens. Whether the
-- connection still stands and may know is asked when the notification is picked up.
create function tell_of_records() returns trigger language plpgsql security definer
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
       and case when r.patient_id is null then r.organisation_id = s.organisation_id
           else exists (select from registration g where g.route = r.route and g.patient_id = r.patient_id
                                                     and g.organisation_id = s.organisation_id) end;
  end if;
  return null;
end $$;
create trigger record_added after insert on resource referencing new table as changed
  for each statement execute function tell_of_records();
create trigger record_changed after update on resource referencing new table as changed
  for each statement execute function tell_of_records();
create trigger record_removed after delete on resource referencing old table as changed
  for each statement execute function tell_of_records();

create function tell_of_registrations() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, clock_timestamp(), 'create', 'Patient', g.patient_id, g.patient_id, g.organisation_id,
         clock_timestamp()
    from subscription s join changed g on g.organisation_id = s.organisation_id
   where s.topic = 'patient-registered' and s.status in ('active', 'error');
  return null;
end $$;
create trigger registration_told after insert on registration referencing new table as changed
  for each statement execute function tell_of_registrations();

create function tell_of_letter() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, label, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, new.first_read_at, 'update', 'DocumentReference', new.id, new.patient_id, new.label,
         new.organisation_id, clock_timestamp()
    from subscription s
   where s.topic = 'letter-read' and s.status in ('active', 'error') and s.organisation_id = new.organisation_id;
  return null;
end $$;
create trigger letter_read after update of first_read_at on letter for each row
  when (old.first_read_at is null and new.first_read_at is not null) execute function tell_of_letter();

create function tell_of_invitation() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, writer,
                            next_attempt_at)
  select s.route, s.id, s.topic, new.used_at, 'update', 'Patient', new.patient_id, new.patient_id, new.organisation_id,
         clock_timestamp()
    from subscription s
   where s.topic = 'invitation-used' and s.status in ('active', 'error') and s.organisation_id = new.organisation_id;
  return null;
end $$;
create trigger invitation_used after update of used_at on invitation for each row
  when (old.used_at is null and new.used_at is not null) execute function tell_of_invitation();

create function tell_of_connection() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  insert into notification (route, subscription_id, topic, at, change, next_attempt_at)
  select s.route, s.id, s.topic, new.at, new.kind, clock_timestamp()
    from subscription s
   where s.topic = 'connection-changed' and s.status in ('active', 'error') and s.connection_id = new.connection_id;
  return null;
end $$;
create trigger connection_told after insert on connection_event for each row execute function tell_of_connection();

------------------------------------------------------------------------------------------------- sending
-- Any one of these permissions lets a connection know of it.
create function notification_needs(p_topic text, p_type text) returns text[] language sql immutable parallel safe
  return case p_topic
    when 'letter-read' then array['DocumentReference.r', '*.r', 'DocumentReference.$read-receipt-query']
    when 'patient-registered' then array['Patient.r', '*.r', 'Patient.$status-query']
    when 'invitation-used' then array['Patient.$status-query', 'Organization.$generate-invitation-tokens']
    when 'record-changed' then array[p_type || '.r', '*.r'] end;

-- Takes what is due, some of each of some subscriptions, so that a receiver that is slow or gone holds up nobody else: one
-- that fails is tried with one notification when its time comes, those in `p_busy` not at all. Taken for so long that whoever dies over it leaves it to others. Here, in the statement that picks it up,
-- it is asked again whether the connection stands and may know; what it may not is dropped. While access is suspended,
-- or the system is not live, notifications wait. That its connection changed, a system learns in any case.
create function take_notifications(p_subscriptions integer, p_each integer, p_busy uuid[], p_lease interval)
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
      select s.route, s.id, case when s.failures > 0 then 1 else p_each end as each
        from subscription s
       where (s.retry_at is null or s.retry_at <= now_) and s.id <> all(p_busy)
         and exists (select from notification q where q.route = s.route and q.subscription_id = s.id
                                                  and q.dead_at is null and q.next_attempt_at <= now_)
       order by random() limit p_subscriptions),
    due as materialized (
      select q.* from ready r cross join lateral (
        select * from notification q
         where q.route = r.route and q.subscription_id = r.id and q.dead_at is null and q.next_attempt_at <= now_
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

-- The receiver took it. A handshake makes the subscription active, and so does any success after an error.
create function notification_sent(p_route integer, p_subscription uuid, p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  delete from notification q where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id;
  if found then
    update subscription s set failures = 0, retry_at = null
     where s.route = p_route and s.id = p_subscription and s.failures > 0;
    update subscription s set status = 'active', error = null, version = s.version + 1, updated_at = clock_timestamp()
     where s.route = p_route and s.id = p_subscription and s.status in ('requested', 'error');
  end if;
end $$;

-- It did not: the receiver is tried again after `p_wait`. Several that fail together are one failure. What is older than
-- `p_give_up` by then is given up, and the subscription says so.
create function notification_failed(p_route integer, p_subscription uuid, p_id uuid, p_error text, p_wait interval,
                                    p_give_up interval) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  now_ timestamptz := clock_timestamp();
begin
  update notification q set error = p_error, next_attempt_at = now_ + p_wait
   where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id and q.dead_at is null;
  update subscription s set failures = s.failures + 1, retry_at = now_ + p_wait
   where s.route = p_route and s.id = p_subscription and (s.retry_at is null or s.retry_at <= now_);
  update notification q set dead_at = now_, error = p_error
   where q.route = p_route and q.subscription_id = p_subscription and q.dead_at is null and q.at <= now_ - p_give_up;
  if not found then
    return false;
  end if;
  update subscription s set status = case s.status when 'requested' then 'off' else 'error' end,
                            error = p_error, version = s.version + 1, updated_at = now_
   where s.route = p_route and s.id = p_subscription and s.status <> 'off';
  return true;
end $$;

-- Dead letters are shown for thirty days.
create function sweep_notifications() returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  delete from notification q where q.dead_at < clock_timestamp() - interval '30 days'
$$;

-- The key that signs what is sent: made by whichever process needs it first, sealed (AES-256-GCM) with the service's.
create table signing_key (
  kid text primary key,
  sealed bytea not null,
  public_jwk jsonb not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz          -- signs no more; shown as long as what it signed may be checked
);
create unique index signing_key_current on signing_key ((true)) where retired_at is null;
revoke all on signing_key from cs_service;
grant select, insert on signing_key to cs_service;

do $$
declare
  name text;
begin
  foreach name in array array['lock_own_connection', 'queue_handshake', 'take_notifications', 'notification_sent',
                              'notification_failed', 'sweep_notifications'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;
