-- An operator helps a member of staff who lost the second factor or the password, or whose account somebody else has.

-- Null: the person chose the password. Otherwise an operator made it: until then it is good for choosing one.
alter table account
  add column password_expires_at timestamptz,
  -- A second factor that was taken away is set up anew, whatever the person's roles ask for.
  add column second_factor_required boolean not null default false;

alter table launch_pairing drop constraint launch_pairing_end_reason_check;
alter table launch_pairing add constraint launch_pairing_end_reason_check check (
  end_reason in ('ended-by-person', 'ended-by-administrator', 'role-ended', 'account-disabled', 'account-reset'));

-- Ends at once whatever lets somebody in as this account, but for its password and authenticator, and says how much of
-- it was still of use. The caller holds the account's lock: whoever is just signing in does so before all of this, and
-- has a session to be ended, or after it.
create function end_ways_in(
  in p_account uuid, in p_now timestamptz, in p_idle_seconds integer,
  in p_reason text,               -- why pairings end; null: pairings and organisations' sign-ins stay
  out sessions integer, out codes integer, out pairings integer, out identities integer
) language plpgsql volatile as $$
begin
  -- Sessions first: who is just making codes, a pairing or a tie holds their session's row until it is there to be
  -- ended, or waits here and finds the session over.
  with ended as (
    update staff_session set ended_at = p_now where account_id = p_account and ended_at is null
    returning expires_at > p_now and last_seen_at > p_now - make_interval(secs => p_idle_seconds) as open)
  select count(*) filter (where open) into sessions from ended;
  -- Used ones too: a pair that has just been typed may have yet to make its pairing.
  with ended as (
    update launch_credential set ended_at = p_now where account_id = p_account and ended_at is null
    returning used_at is null and expires_at > p_now as unused)
  select count(*) filter (where unused) into codes from ended;
  pairings := 0;
  identities := 0;
  if p_reason is null then
    return;
  end if;
  update launch_pairing set ended_at = p_now, end_reason = p_reason where account_id = p_account and ended_at is null;
  get diagnostics pairings = row_count;
  update staff_identity set ended_at = p_now where account_id = p_account and ended_at is null;
  get diagnostics identities = row_count;
end $$;
