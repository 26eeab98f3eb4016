-- Opening a patient's record from another clinical system: what organisations set up, whose browser is tied to
-- which account, and which patient a browser has open. A launch is a hint, never proof: nothing here opens a
-- record without a live pairing and its device.

------------------------------------------------------------------------------------------------- sessions
-- Null: the person signed in. Otherwise a paired device stood for them, and the session has a professional's
-- powers at most, whatever role the person holds.
alter table staff_session add column opened_by text check (opened_by in ('systmone', 'one-time'));

-- Which patient's record a session has open. The address bar carries `id`, which says nothing of the patient and is
-- worth nothing without the session. A session that gets a new id keeps its records.
create table record_context (
  id text primary key,            -- 128 random bits, in the address
  session_hash bytea not null references staff_session (id_hash) on update cascade on delete cascade,
  account_id uuid not null references account,
  organisation_id uuid not null references organisation,
  route integer not null,
  patient_id uuid not null,
  locked boolean not null,        -- no search, no other patient
  break_glass boolean not null,   -- may be asked for here
  opened_by text not null check (opened_by in ('systmone', 'one-time', 'search')),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index record_context_session on record_context (session_hash, created_at desc);

------------------------------------------------------------------------------------------- configurations
create table launch_configuration (
  id uuid primary key,
  key_id text not null unique check (key_id ~ '^[A-Za-z0-9_-]{22}$'), -- in the address: 128 random bits
  organisation_id uuid not null references organisation,
  slot smallint not null check (slot in (1, 2)),
  form_id uuid not null unique,   -- a form sent twice makes one configuration
  profile text not null check (profile in ('clear', 'fields', 'sider', 'somerset')),
  cipher text check (cipher in ('aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc')),
  encoding text check (encoding in ('hex', 'base64', 'base64url')),
  sends_birth_date boolean not null,
  sends_role boolean not null,
  sealed_secret bytea,            -- AES-256-GCM: key and initialisation vector, or passphrase
  practices text[] not null check (cardinality(practices) between 1 and 200), -- ODS codes that may send it
  landing text not null check (landing in ('summary', 'results', 'letters')),
  allow_switch boolean not null,
  allow_break_glass boolean not null,
  created_at timestamptz not null,
  created_by uuid references account,
  withdrawn_at timestamptz,
  withdrawn_by uuid references account,
  check ((profile = 'fields') = (cipher is not null and encoding is not null)),
  check ((profile in ('fields', 'sider')) = (sealed_secret is not null))
);
-- Two live at a time: the old one and the one that takes its place.
create unique index launch_configuration_live on launch_configuration (organisation_id, slot) where withdrawn_at is null;
create index launch_configuration_organisation on launch_configuration (organisation_id, created_at desc);

------------------------------------------------------------------------------------------------- pairings
-- A browser. Its cookie changes at every use; whoever comes with one that was used up before is not the browser
-- that got the next, so one of the two is a thief and the device ends.
create table launch_device (
  id uuid primary key,
  current_hash bytea not null,    -- SHA-256 of the newest cookie that came back
  previous_hash bytea,
  moved_at timestamptz not null,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  user_agent text,
  ended_at timestamptz,
  end_reason text check (end_reason in ('cookie-reused', 'ended-by-person'))
);
create table launch_device_token (
  token_hash bytea primary key,
  device_id uuid not null references launch_device on delete cascade,
  parent_hash bytea,              -- the cookie in whose place it was given
  issued_at timestamptz not null
);
create index launch_device_token_device on launch_device_token (device_id, issued_at);

-- Ties a user of another system to an account here.
create table launch_pairing (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  source text not null,           -- 'systmone', or the System Client ID of a connected system
  user_key bytea not null,        -- HMAC-SHA-256 of organisation, source and user name, which is found by this alone
  user_name text not null,        -- as shown to the person and their administrators
  account_id uuid not null references account,
  created_at timestamptz not null,
  ended_at timestamptz,
  ended_by uuid references account,
  end_reason text check (end_reason in ('ended-by-person', 'ended-by-administrator', 'role-ended', 'account-disabled'))
);
create unique index launch_pairing_live on launch_pairing (user_key) where ended_at is null;
create index launch_pairing_account on launch_pairing (account_id, organisation_id);
create index launch_pairing_organisation on launch_pairing (organisation_id, created_at desc);

create table launch_pairing_device (
  pairing_id uuid not null references launch_pairing,
  device_id uuid not null references launch_device on delete cascade,
  confirmed_at timestamptz not null,
  method text not null check (method in ('sign-in', 'codes')),
  last_used_at timestamptz,
  primary key (pairing_id, device_id)
);
create index launch_pairing_device_device on launch_pairing_device (device_id);

-- Leavers' pairings end by themselves, and stay ended should they come back.
create function end_pairings_of_role() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or (new.ended_at is not null and old.ended_at is null) then
    update launch_pairing set ended_at = clock_timestamp(), end_reason = 'role-ended'
     where account_id = old.account_id and organisation_id = old.organisation_id and ended_at is null;
  end if;
  return null;
end $$;
create trigger staff_role_pairings after update of ended_at or delete on staff_role
  for each row execute function end_pairings_of_role();

create function end_pairings_of_account() returns trigger language plpgsql as $$
begin
  if new.disabled_at is not null and old.disabled_at is null then
    update launch_pairing set ended_at = clock_timestamp(), end_reason = 'account-disabled'
     where account_id = old.id and ended_at is null;
  end if;
  return null;
end $$;
create trigger account_pairings after update of disabled_at on account
  for each row execute function end_pairings_of_account();

-- The pair of codes a person makes for themselves; making new ones ends the old.
create table launch_credential (
  id uuid primary key,
  account_id uuid not null references account,
  organisation_id uuid not null references organisation,
  first_hash bytea not null,      -- HMAC-SHA-256 with the pepper
  second_hash bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  ended_at timestamptz
);
create unique index launch_credential_standing on launch_credential (account_id, organisation_id)
  where used_at is null and ended_at is null;
create unique index launch_credential_first on launch_credential (first_hash);

------------------------------------------------------------------------------------------------- launches
-- A launch that waits for its person: to pair, or to follow a one-time link. Who and which patient is sealed.
create table launch_request (
  id_hash bytea primary key,      -- SHA-256 of the cookie's, or the link's, 256 random bits
  organisation_id uuid not null references organisation,
  source text not null,
  configuration_id uuid references launch_configuration,
  connection_id uuid references connection,
  user_key bytea not null,
  sealed bytea not null,          -- AES-256-GCM: user name, patient, date of birth
  digest bytea,                   -- of the link as it was sent
  replayed boolean not null default false,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index launch_request_expiry on launch_request (expires_at);

-- The same link from another device within its window is a copy.
create table launch_use (
  configuration_id uuid not null references launch_configuration,
  digest bytea not null,          -- HMAC-SHA-256 of the link as it was sent
  device_id uuid not null,
  until timestamptz not null,
  primary key (configuration_id, digest)
);
create index launch_use_until on launch_use (until);

-- What administrators are shown of launches, kept six months. The audit trail has them all for good.
create table launch_event (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  configuration_id uuid references launch_configuration,
  source text not null,
  at timestamptz not null,
  outcome text not null,
  user_name text,
  account_id uuid references account,
  address text,
  request_id text not null
);
create index launch_event_organisation on launch_event (organisation_id, at desc);
create index launch_event_refused on launch_event (organisation_id, at desc) where outcome <> 'allowed';
create index launch_event_configuration on launch_event (configuration_id, at desc);

-- Finds the patient of a launch, for a person who holds a role now, among the organisation's own patients alone.
-- 'patient-not-found' is the answer for whoever is unknown here, wherever else they may be known.
create function launch_patient(
  in p_account uuid, in p_organisation uuid, in p_system text, in p_value text,
  in p_birth_date date,           -- null: not sent
  out outcome text,               -- 'found', 'no-role', 'patient-not-found', 'birth-date-mismatch', 'patient-merged'
  out patient_id uuid
) language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  known record;
begin
  perform from staff_role r join account a on a.id = r.account_id
    where r.account_id = p_account and r.organisation_id = p_organisation
      and r.ended_at is null and a.disabled_at is null;
  if not found then
    outcome := 'no-role';
    return;
  end if;
  select p.route, p.id, p.birth_date into known
    from patient_identifier i
    join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = p_organisation
    join patient p on p.route = i.route and p.id = i.patient_id
   where i.system = p_system and i.value = p_value;
  if not found then
    outcome := 'patient-not-found';
    return;
  end if;
  if p_birth_date is not null and known.birth_date is distinct from p_birth_date then
    outcome := 'birth-date-mismatch';
    return;
  end if;
  patient_id := known.id;
  -- FHIR R4 Patient.link: the resource with `replaced-by` is no longer to be used.
  perform from resource r where r.route = known.route and r.id = known.id and r.type = 'Patient'
    and jsonb_path_exists(r.content::jsonb, '$.link[*] ? (@.type == "replaced-by")');
  outcome := case when found then 'patient-merged' else 'found' end;
end $$;
revoke all on function launch_patient from public;
grant execute on function launch_patient to cs_service;

grant select, insert, update, delete on record_context, launch_configuration, launch_device, launch_device_token,
  launch_pairing, launch_pairing_device, launch_credential, launch_request, launch_use, launch_event to cs_service;
revoke delete on launch_configuration, launch_pairing from cs_service;
revoke update on launch_event from cs_service;
