-- The service works as cs_service, which owns nothing: row-level security binds it even when the login role
-- is a superuser. Roles belong to the whole cluster, so several databases on one server share it.
do $$
begin
  create role cs_service nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
  -- A login role that is no superuser must be a member to `set role`.
  if not pg_has_role(current_user, 'cs_service', 'member') then
    execute format('grant cs_service to %I', current_user);
  end if;
end $$;
grant usage on schema public to cs_service;

------------------------------------------------------------------------------------------------ directory
create table organisation (
  id uuid primary key,
  ods_code text not null unique check (ods_code ~ '^[A-Z0-9]{3,10}$'),
  name text not null,
  created_at timestamptz not null default now()
);

create table team (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  name text not null,
  is_default boolean not null default false,
  unique (organisation_id, name)
);
create unique index team_default on team (organisation_id) where is_default;

create table company (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

-------------------------------------------------------------------------------------------- staff, sign-in
create table account (
  id uuid primary key,
  email text not null check (email = lower(email)),
  name text not null,
  password_hash text not null,
  totp_secret bytea,              -- AES-256-GCM: nonce, ciphertext, tag
  totp_last_step bigint,          -- each code works once (RFC 6238 section 5.2)
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create unique index account_email on account (email);

create table staff_role (
  account_id uuid not null references account,
  organisation_id uuid not null references organisation,
  role text not null check (role in ('administrator', 'coordinator', 'professional')),
  team_id uuid references team,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (account_id, organisation_id)
);

create table staff_session (
  id_hash bytea primary key,      -- SHA-256 of the cookie's 256 random bits
  account_id uuid not null references account,
  organisation_id uuid references organisation,
  csrf_token text not null,
  second_factor_at timestamptz,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null, -- the absolute limit; the idle limit is counted from last_seen_at
  ended_at timestamptz,
  address text,
  user_agent text
);
create index staff_session_account on staff_session (account_id) where ended_at is null;

-- Failures per account and per address; `subject` is a keyed hash, so that nothing personal is kept.
create table attempt (
  purpose text not null,
  subject bytea not null,
  failures integer not null,
  window_started_at timestamptz not null,
  blocked_until timestamptz,
  primary key (purpose, subject)
);

-------------------------------------------------------------------------------------------------- systems
-- What people type must match exactly but for case and surrounding or repeated white space. No-break spaces are
-- named because not every locale counts them as white space.
create function search_key(text) returns text language sql immutable strict parallel safe
  return lower(regexp_replace(btrim(regexp_replace($1, '[\s\u00a0\u2007\u202f]', ' ', 'g')), ' +', ' ', 'g'));

create table system (
  client_id text primary key,     -- the System Client ID
  company_id uuid not null references company,
  name text not null,
  purpose text not null,          -- in the company's words
  contact_name text not null,
  contact_email text not null,
  privacy_notice_url text not null,
  standing text not null check (standing in ('draft', 'in-review', 'live', 'suspended')),
  scopes text[] not null,         -- as registered, SMART v2
  permissions text[] not null,    -- the same, spelled out: 'Observation.r', '*.s'; see oauth/scopes
  auth_method text not null check (auth_method in ('client_secret_basic', 'private_key_jwt')),
  jwks_uri text,
  jwks jsonb,                     -- uploaded public keys
  created_at timestamptz not null default now(),
  check (auth_method <> 'client_secret_basic' or (jwks is null and jwks_uri is null)),
  check (jwks is null or jwks_uri is null)
);
create index system_name on system (search_key(name));
create index system_company on system (company_id);
create index company_name on company (search_key(name));

-- Two secrets may be live at a time, so that a change needs no outage.
create table system_secret (
  id uuid primary key,
  client_id text not null references system,
  secret_hash bytea not null,     -- HMAC-SHA-256 with the pepper
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  ended_at timestamptz
);
create index system_secret_client on system_secret (client_id) where ended_at is null;

create table fetched_jwks (
  client_id text primary key references system,
  jwks jsonb,
  fetched_at timestamptz not null,
  failed_at timestamptz
);

-- RFC 7523 section 3: an assertion's jti is used once, on every process.
create table used_assertion (
  client_id text not null,
  jti_hash bytea not null,
  expires_at timestamptz not null,
  primary key (client_id, jti_hash)
);
create index used_assertion_expiry on used_assertion (expires_at);

create table access_token (
  token_hash bytea primary key,   -- SHA-256 of the opaque token
  client_id text not null references system,
  scopes text[] not null,
  permissions text[] not null,
  organisation_id uuid references organisation,  -- bound by RFC 8707 `resource`
  issued_at timestamptz not null,
  expires_at timestamptz not null
);
create index access_token_expiry on access_token (expires_at);

---------------------------------------------------------------------------------------------- connections
create table connection (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  client_id text not null references system,
  status text not null check (status in ('active', 'suspended', 'revoked', 'expired')),
  scopes text[] not null,
  permissions text[] not null,
  labels smallint not null default 15 check (labels between 0 and 15),  -- bit n: label n
  teams uuid[],                   -- null: patients of every team
  reason text,
  granted_at timestamptz not null,
  granted_by uuid references account,
  expires_at timestamptz,
  ended_at timestamptz,
  ended_by uuid references account,
  end_reason text,
  check ((status in ('revoked', 'expired')) = (ended_at is not null))
);
-- However often and concurrently a grant is sent, one stands.
create unique index connection_standing on connection (organisation_id, client_id)
  where status in ('active', 'suspended');
create index connection_latest on connection (organisation_id, client_id, granted_at desc);
create index connection_client on connection (client_id);

create table connection_event (
  id uuid primary key,
  connection_id uuid not null references connection,
  at timestamptz not null,
  kind text not null check (kind in ('granted', 'narrowed', 'suspended', 'resumed', 'revoked', 'expired')),
  account_id uuid references account,
  detail text
);
create index connection_event_connection on connection_event (connection_id, at);

------------------------------------------------------------------------------------- patients and their data
-- `route` is the first 32 bits of the patient's id (else the organisation's): the distribution key.
create table patient (
  route integer not null,
  id uuid not null,
  birth_date date,
  deceased boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (route, id)
);

create table patient_identifier (
  system text not null,
  value text not null,
  route integer not null,
  patient_id uuid not null,
  primary key (system, value)
);
create index patient_identifier_patient on patient_identifier (route, patient_id);

create table registration (
  route integer not null,
  patient_id uuid not null,
  organisation_id uuid not null,
  shared_labels smallint not null default 0 check (shared_labels between 0 and 15), -- what the patient lets it see of others' entries
  teams uuid[] not null default '{}',
  registered_at timestamptz not null default now(),
  primary key (route, patient_id, organisation_id)
);
create index registration_organisation on registration (organisation_id, route, patient_id);

-- One row a resource, with what search needs beside it: a write is few index insertions, and a patient's
-- data lies together. `content` is the exact JSON that is answered, kept as text: never parsed to be printed.
create table resource (
  route integer not null,
  id uuid not null,
  type text not null,
  patient_id uuid,                -- null: belongs to the organisation alone
  organisation_id uuid not null,  -- who wrote it
  label smallint not null check (label between 0 and 3),
  version integer not null,
  updated_at timestamptz not null,
  sort_from timestamptz,          -- the type's main clinical date, as a half-open period
  sort_to timestamptz,
  tokens text[] not null,
  identifiers text[],             -- null when there are none, so that the index below stays small
  strings text[],
  dates jsonb,
  numbers jsonb,
  once_key text,                  -- set by conditional create and update: one row per key, however concurrent
  content text not null,
  primary key (route, id)
);
create index resource_patient on resource (route, patient_id, type, sort_from desc) where patient_id is not null;
create index resource_organisation on resource (organisation_id, type, updated_at desc, id) where patient_id is null;
create index resource_identifiers on resource using gin (identifiers) with (fastupdate = off) where identifiers is not null;
create unique index resource_once on resource (route, organisation_id, type, once_key) where once_key is not null;

-- Earlier versions and, for what was deleted, the tombstone (content null).
create table resource_version (
  route integer not null,
  id uuid not null,
  version integer not null,
  type text not null,
  patient_id uuid,
  organisation_id uuid not null,
  label smallint not null,
  updated_at timestamptz not null,
  content text,
  primary key (route, id, version)
);

---------------------------------------------------------------------------------------------------- audit
-- One chain for each process: no global sequence on the hot path. hash = SHA-256(previous hash || record).
create table audit_record (
  chain uuid not null,
  sequence bigint not null,
  at timestamptz not null,
  request_id text not null,
  kind text not null,             -- 'fhir', 'token', 'page'
  interaction text not null,      -- 'read', 'search-type', 'create', 'token', 'grant', 'sign-in' ...
  outcome text not null,          -- 'allowed' or a refusal code of docs/errors.md
  status smallint not null,       -- HTTP status
  client_id text,
  connection_id uuid,
  organisation_id uuid,
  account_id uuid,
  resource_type text,
  resource_id text,
  query text,                     -- parameter names; personal values hashed
  patients uuid[],
  count integer,
  bytes integer,
  address text,
  detail text,
  hash bytea not null,
  primary key (chain, sequence)
);
create index audit_record_connection on audit_record (connection_id, at desc) where connection_id is not null;
create index audit_record_organisation on audit_record (organisation_id, at desc) where organisation_id is not null;

create table audit_checkpoint (
  chain uuid not null,
  sequence bigint not null,
  hash bytea not null,
  at timestamptz not null,
  signature bytea not null,       -- HMAC-SHA-256 with the audit key
  primary key (chain, sequence)
);

-------------------------------------------------------------------------------------------------- privileges
grant select, insert, update, delete on all tables in schema public to cs_service;
revoke update, delete on audit_record, audit_checkpoint from cs_service;
revoke update, delete on connection_event, resource_version from cs_service;
revoke delete on connection, organisation, system, account from cs_service;
revoke all on schema_migration from cs_service;
grant select on schema_migration to cs_service;
