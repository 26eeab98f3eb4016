-- A launch from a click to its outcome in one statement, and so in one transaction and one round trip.

-- Recognises a browser by its device cookie, and gives it the next one. The cookie that came becomes the current one;
-- those given in the place of the one before are used up, all but it. So when a copy is used as well as the original,
-- whoever comes second with a used-up cookie shows that there are two, and the device ends for both. An answer that
-- never arrived does no harm: its cookie was never current.
create function launch_device_seen(
  in p_cookie bytea,              -- SHA-256 of the cookie that came; null: none
  in p_next bytea,                -- of the one it is given
  in p_new_id uuid,               -- the id if this is a browser of its own
  in p_user_agent text,
  in p_now timestamptz,
  out outcome text,               -- 'known'; 'new': no cookie, nobody's, or an ended device's; 'stolen': it was used up
  out device_id uuid
) language plpgsql volatile as $$
declare
  known record;
begin
  select d.id, d.current_hash, d.previous_hash, d.moved_at, d.ended_at, t.parent_hash into known
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

-- What a launch leads to. It is a hint and no proof: a record opens for a live pairing on its own device and for
-- nothing else, and without them not even the patient is looked for.
create function launch_arrive(
  in p_cookie bytea, in p_next bytea, in p_new_id uuid, in p_user_agent text, in p_now timestamptz,
  in p_organisation uuid, in p_source text, in p_configuration uuid, in p_user_key bytea, in p_user_name text,
  in p_digest bytea,              -- null: the link works once anyhow
  in p_until timestamptz,
  in p_system text, in p_value text, in p_birth_date date,
  in p_address text, in p_request_id text,
  out outcome text,               -- 'allowed', why not, or why the person has to show who they are first
  out account_id uuid,
  out patient_id uuid
) language plpgsql volatile as $$
declare
  device record;
  pairing record;
  mine boolean := true;
begin
  device := launch_device_seen(p_cookie, p_next, p_new_id, p_user_agent, p_now);
  select p.id, p.account_id into pairing
    from launch_pairing p
    join launch_pairing_device l on l.pairing_id = p.id and l.device_id = device.device_id
   where device.outcome = 'known' and p.user_key = p_user_key and p.ended_at is null;
  account_id := pairing.account_id;
  -- Only who may open it uses a link up: a copy that gets nowhere does not stand in its owner's way.
  if p_digest is not null and account_id is null then
    mine := not exists (select from launch_use u
                         where u.configuration_id = p_configuration and u.digest = p_digest
                           and u.device_id <> device.device_id and u.until > p_now);
  elsif p_digest is not null then
    insert into launch_use as u (configuration_id, digest, device_id, until)
    values (p_configuration, p_digest, device.device_id, p_until)
    on conflict (configuration_id, digest) do update set device_id = excluded.device_id, until = excluded.until
      where u.device_id = excluded.device_id or u.until <= p_now;
    mine := found;
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
    end if;
  end if;
  insert into launch_event (id, organisation_id, configuration_id, source, at, outcome, user_name, account_id,
                            address, request_id)
  values (gen_random_uuid(), p_organisation, p_configuration, p_source, p_now, launch_arrive.outcome, p_user_name,
          launch_arrive.account_id, p_address, p_request_id);
end $$;
