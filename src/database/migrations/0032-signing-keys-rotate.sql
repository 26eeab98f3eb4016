-- Keys that sign notifications follow one another. The next one is published before it signs, so that receivers who keep
-- the set for a while have it by then; one that signs no more stays published while what it signed may be looked at.
alter table signing_key add column signs_from timestamptz not null default now();
update signing_key set signs_from = created_at;
drop index signing_key_current;

-- Adds a key that signs from `p_lead` on: 'added'; 'under-way' when another waits for its time already; 'not-due' when the
-- newest is younger than `p_age`. `p_drop`: those before it are withdrawn at once, for somebody may have them. One process
-- at a time: the second finds what the first has added.
create function add_signing_key(p_kid text, p_sealed bytea, p_public jsonb, p_lead interval, p_age interval, p_drop boolean)
returns text language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  newest timestamptz;
  from_ timestamptz;
begin
  lock table signing_key in share row exclusive mode;
  select max(k.signs_from) into newest from signing_key k where k.retired_at is null;
  from_ := clock_timestamp() + case when newest is null or p_drop then interval '0' else p_lead end;
  if p_drop then
    update signing_key k set retired_at = clock_timestamp() where k.retired_at is null;
  elsif newest > clock_timestamp() then
    return 'under-way';
  elsif newest > clock_timestamp() - p_age then
    return 'not-due';
  end if;
  insert into signing_key (kid, sealed, public_jwk, created_at, signs_from)
  values (p_kid, p_sealed, p_public, clock_timestamp(), from_);
  return 'added';
end $$;

-- What nobody can be asked to check any more goes, private part and all: thirty days after the next one began to sign.
create function sweep_signing_keys() returns void
language sql volatile security definer set search_path = public, pg_temp as $$
  delete from signing_key k
   where k.retired_at < clock_timestamp() - interval '30 days'
      or exists (select from signing_key n where n.signs_from > k.signs_from and n.retired_at is null
                                             and n.signs_from < clock_timestamp() - interval '30 days')
$$;

revoke insert on signing_key from cs_service;
revoke all on function add_signing_key, sweep_signing_keys from public;
grant execute on function add_signing_key, sweep_signing_keys to cs_service;
