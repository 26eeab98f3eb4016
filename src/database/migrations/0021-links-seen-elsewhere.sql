-- The same link from another browser is a copy for as long as anybody may have one, and not for two minutes alone: with
-- a fixed key and vector the link for a user and a patient is always the same. The browsers that may open it are the
-- first that did, and those in which the person has answered for a link from elsewhere since it was last used.

alter table launch_use
  add column others uuid[] not null default '{}' check (cardinality(others) <= 10),
  add column used_at timestamptz not null default now(); -- when a browser that may opened it last

-- When the person last showed who they are here because a link had been used elsewhere. Having connected the browser is
-- no answer to that.
alter table launch_pairing_device add column answered_at timestamptz;

-- A person is shown what was tried with their user name.
create index launch_event_user on launch_event (organisation_id, source, lower(user_name), at desc)
  where outcome <> 'allowed';

-- As in 0016, but for links that were opened elsewhere.
create or replace function launch_arrive(
  in p_cookie bytea, in p_next bytea, in p_new_id uuid, in p_user_agent text, in p_now timestamptz,
  in p_organisation uuid, in p_source text, in p_configuration uuid, in p_user_key bytea, in p_user_name text,
  in p_digest bytea,              -- null: the link works once anyhow
  in p_until timestamptz,         -- so long the link is remembered from now on
  in p_system text, in p_value text, in p_birth_date date,
  in p_address text, in p_request_id text,
  out outcome text,               -- 'allowed', 'allowed-second-browser' (to be reported), why not, or why the person
                                  -- has to show who they are first
  out account_id uuid,
  out patient_id uuid
) language plpgsql volatile as $$
declare
  device record;
  pairing record;
  link record;
  elsewhere boolean := false;
  mine boolean := true;
begin
  device := launch_device_seen(p_cookie, p_next, p_new_id, p_user_agent, p_now);
  select p.id, p.account_id, l.answered_at into pairing
    from launch_pairing p
    join launch_pairing_device l on l.pairing_id = p.id and l.device_id = device.device_id
   where device.outcome = 'known' and p.user_key = p_user_key and p.ended_at is null;
  account_id := pairing.account_id;
  if p_digest is not null then
    -- Only who may open it uses a link up: a copy that gets nowhere does not stand in its owner's way.
    if account_id is not null then
      insert into launch_use (configuration_id, digest, device_id, used_at, until)
      values (p_configuration, p_digest, device.device_id, p_now, p_until)
      on conflict (configuration_id, digest) do nothing;
    end if;
    select u.device_id, u.others, u.used_at into link
      from launch_use u
     where u.configuration_id = p_configuration and u.digest = p_digest and u.until > p_now
       for update;
    elsewhere := found and link.device_id <> device.device_id and not device.device_id = any (link.others);
    mine := not elsewhere or coalesce(pairing.answered_at > link.used_at, false);
    if account_id is not null and mine then
      perform launch_take_link(p_configuration, p_digest, device.device_id, p_now, p_until);
    end if;
  end if;
  if device.outcome = 'stolen' then
    outcome := 'device-cookie-reused';
  elsif not mine then
    outcome := 'link-reused';
  elsif account_id is null then
    outcome := 'not-paired';
  else
    select case p.outcome when 'found' then 'allowed' else p.outcome end, p.patient_id
      into launch_arrive.outcome, launch_arrive.patient_id
      from launch_patient(account_id, p_organisation, p_system, p_value, p_birth_date) p;
    if outcome = 'allowed' then
      update launch_pairing_device l set last_used_at = p_now
       where l.pairing_id = pairing.id and l.device_id = device.device_id;
      if elsewhere then
        outcome := 'allowed-second-browser';
      end if;
    end if;
  end if;
  insert into launch_event (id, organisation_id, configuration_id, source, at, outcome, user_name, account_id,
                            address, request_id)
  values (gen_random_uuid(), p_organisation, p_configuration, p_source, p_now, launch_arrive.outcome, p_user_name,
          launch_arrive.account_id, p_address, p_request_id);
end $$;

-- From now on the browser may open the link. Of more than eleven those that came first are asked again.
create function launch_take_link(
  p_configuration uuid, p_digest bytea, p_device uuid, p_now timestamptz, p_until timestamptz
) returns void language sql volatile as $$
  insert into launch_use as u (configuration_id, digest, device_id, used_at, until)
  values (p_configuration, p_digest, p_device, p_now, p_until)
  on conflict (configuration_id, digest) do update set
    device_id = case when u.until <= p_now then p_device else u.device_id end,
    others = case when u.until <= p_now then '{}'
                  when p_device = u.device_id or p_device = any (u.others) then u.others
                  else (u.others || p_device)[greatest(cardinality(u.others) - 8, 1) :] end,
    used_at = greatest(u.used_at, p_now),
    -- Once a day, so that a click changes no index.
    until = case when u.until < p_until - interval '1 day' or u.until <= p_now then p_until else u.until end
$$;
