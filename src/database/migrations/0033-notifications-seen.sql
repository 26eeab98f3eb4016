-- What came of each subscription of a connection, for the organisation's staff: counts and times, never the address beyond
-- its host, for a path may hold the receiver's secret.
alter table subscription add column delivered bigint not null default 0, add column delivered_at timestamptz;

create or replace function notification_sent(p_route integer, p_subscription uuid, p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  sent text;
begin
  delete from notification q where q.route = p_route and q.subscription_id = p_subscription and q.id = p_id
    returning q.topic into sent;
  if found then
    update subscription s
       set failures = 0, retry_at = null, delivered_at = clock_timestamp(),
           delivered = s.delivered + (sent <> 'handshake')::integer
     where s.route = p_route and s.id = p_subscription;
    update subscription s set status = 'active', error = null, version = s.version + 1, updated_at = clock_timestamp()
     where s.route = p_route and s.id = p_subscription
       and (s.status = 'error' or (s.status = 'requested' and sent = 'handshake'));
  end if;
end $$;

-- For whatever organisation a person acts in this transaction: another's connection has none here.
create function staff_subscriptions(p_connection uuid)
returns table (id uuid, topic text, types text[], host text, status text, error text, created_at timestamptz,
               delivered bigint, delivered_at timestamptz, waiting integer, given_up integer, given_up_at timestamptz)
language sql stable security definer rows 20 set search_path = public, pg_temp as $$
  select s.id, s.topic, s.types, substring(s.endpoint from '^https?://([^/?#]+)'), s.status,
         coalesce(s.error, n.error), s.created_at, s.delivered, s.delivered_at, n.waiting, n.given_up, n.given_up_at
    from subscription s
   cross join lateral (
     select count(*) filter (where q.dead_at is null)::integer as waiting,
            count(*) filter (where q.dead_at is not null)::integer as given_up, max(q.dead_at) as given_up_at,
            max(q.error) filter (where q.dead_at is null) as error
       from notification q
      where q.route = s.route and q.subscription_id = s.id and (q.topic <> 'handshake' or q.dead_at is null)) n
   where s.connection_id = p_connection and s.organisation_id = app_organisation()
   order by s.created_at, s.id
$$;
revoke all on function staff_subscriptions from public;
grant execute on function staff_subscriptions to cs_service;
