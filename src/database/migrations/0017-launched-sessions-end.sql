-- What a pairing or a device opened does not outlast it: somebody who ends one, for it was stolen or its person left,
-- means the record on the screen too. A person who signed in keeps what they opened.

create function end_sessions_of_pairing() returns trigger language plpgsql as $$
begin
  update staff_session set ended_at = clock_timestamp()
   where account_id = new.account_id and organisation_id = new.organisation_id and ended_at is null
     and opened_by = case new.source when 'systmone' then 'systmone' else 'one-time' end;
  return null;
end $$;
create trigger launch_pairing_sessions after update of ended_at on launch_pairing
  for each row when (old.ended_at is null and new.ended_at is not null) execute function end_sessions_of_pairing();

create function end_sessions_of_device() returns trigger language plpgsql as $$
begin
  update staff_session s set ended_at = clock_timestamp()
    from launch_pairing_device l join launch_pairing p on p.id = l.pairing_id
   where l.device_id = new.id and s.account_id = p.account_id and s.organisation_id = p.organisation_id
     and s.opened_by is not null and s.ended_at is null;
  return null;
end $$;
create trigger launch_device_sessions after update of ended_at on launch_device
  for each row when (old.ended_at is null and new.ended_at is not null) execute function end_sessions_of_device();

-- As in 0016, and one case more: of launches at once, an answer that was slow leaves the browser with a cookie whose
-- twin came back already. Given within two seconds of each other they are one browser's; a copy is hardly ever used
-- that close to the original, and would have to be at every click.
create or replace function launch_device_seen(
  in p_cookie bytea,
  in p_next bytea,
  in p_new_id uuid,
  in p_user_agent text,
  in p_now timestamptz,
  out outcome text,
  out device_id uuid
) language plpgsql volatile as $$
declare
  known record;
begin
  select d.id, d.current_hash, d.previous_hash, d.moved_at, d.ended_at, t.parent_hash, t.issued_at into known
    from launch_device_token t join launch_device d on d.id = t.device_id
   where t.token_hash = p_cookie for update of d;
  outcome := case when not found or known.ended_at is not null then 'new' else 'known' end;
  if outcome = 'known' and known.current_hash is distinct from p_cookie then
    if known.parent_hash = known.current_hash then
      update launch_device d set current_hash = p_cookie, previous_hash = known.current_hash, moved_at = p_now,
                                 last_seen_at = p_now
       where d.id = known.id;
    elsif known.previous_hash = p_cookie and p_now - known.moved_at < interval '2 seconds' then
      -- Of two tabs opened at once one was slower: its next cookie follows the one that is current by now.
      p_cookie := known.current_hash;
    elsif exists (select from launch_device_token twin
                   where twin.token_hash = known.current_hash and twin.parent_hash = known.parent_hash
                     and abs(extract(epoch from twin.issued_at - known.issued_at)) < 2) then
      p_cookie := known.current_hash;
    else
      update launch_device d set ended_at = p_now, end_reason = 'cookie-reused' where d.id = known.id;
      outcome := 'stolen';
    end if;
  end if;
  device_id := case outcome when 'known' then known.id else p_new_id end;
  if outcome <> 'known' then
    insert into launch_device (id, current_hash, moved_at, created_at, last_seen_at, user_agent)
    values (p_new_id, p_next, p_now, p_now, p_now, p_user_agent);
    p_cookie := null;
  end if;
  insert into launch_device_token (token_hash, device_id, parent_hash, issued_at)
  values (p_next, launch_device_seen.device_id, p_cookie, p_now);
end $$;
