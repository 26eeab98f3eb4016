-- As in 0035, but what is held back because access is suspended, or the system is not live, grows old as well. It was kept
-- for as long as that went on, and all of it was sent when it ended: a queue without an end, of patients' events that
-- nobody waits for any more. Now it is given up after the same time as elsewhere, as a dead letter that says so and that
-- the vendor can ask for once access is back.
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
                  case when x.paused then 'paused' when held.why is not null then held.why
                       when x.unproven then 'no-handshake' else x.error end as why
             from subscription x
             join connection c on c.id = x.connection_id
             join system y on y.client_id = c.client_id
            cross join lateral (
              select case when y.standing <> 'live' then 'system-not-live'
                          -- That access is suspended is itself told.
                          when c.status = 'suspended' and x.topic <> 'connection-changed' then 'connection-suspended'
                     end as why) held
            where x.status <> 'off'
              and (x.paused or x.unproven or (x.status = 'error' and x.failures > 0) or held.why is not null)
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
