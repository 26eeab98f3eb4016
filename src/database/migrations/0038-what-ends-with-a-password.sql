-- Whoever changes their password means that nobody who had the old one gets in any more: nor with a pair of codes that
-- was made then and has yet to be typed.
create function end_codes_of_account() returns trigger language plpgsql as $$
begin
  update launch_credential set ended_at = clock_timestamp()
   where account_id = new.id and used_at is null and ended_at is null;
  return null;
end $$;
create trigger account_codes after update of password_hash on account
  for each row when (old.password_hash is distinct from new.password_hash) execute function end_codes_of_account();

-- A launch finds its pairing, is recorded, and only then opens its session: one whose pairing ended in between is over
-- before it begins. The lock lets a pairing that is just ending end before this, or after
-- it with the session (0017).
create function end_session_without_pairing() returns trigger language plpgsql as $$
begin
  perform from launch_pairing p
    where p.account_id = new.account_id and p.organisation_id = new.organisation_id and p.ended_at is null
      and (p.source = 'systmone') = (new.opened_by = 'systmone') for share;
  if not found then
    new.ended_at := clock_timestamp();
  end if;
  return new;
end $$;
create trigger staff_session_pairing before insert on staff_session
  for each row when (new.opened_by is not null) execute function end_session_without_pairing();
