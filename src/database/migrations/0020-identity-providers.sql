-- Staff may sign in where their organisation signs them in: with its own OpenID Connect provider. What a provider says
-- counts for its own organisation alone, and for an account only once the person has tied the two themselves.

create table identity_provider (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  issuer text not null,
  client_id text not null,
  sealed_secret bytea not null,   -- AES-256-GCM: nonce, ciphertext, tag
  -- The claim of the ID token that shows a second factor, and the values of which it must have one.
  second_factor_claim text not null check (second_factor_claim in ('acr', 'amr')),
  second_factor_values text[] not null check (cardinality(second_factor_values) between 1 and 20),
  created_at timestamptz not null,
  changed_at timestamptz not null,
  ended_at timestamptz
);
create unique index identity_provider_standing on identity_provider (organisation_id) where ended_at is null;

-- A person as a provider knows them (`sub`, OpenID Connect Core 1.0 section 2): one account's, and an account has one
-- at each provider. Never found by e-mail address: a provider can write any into its tokens.
create table staff_identity (
  id uuid primary key,
  provider_id uuid not null references identity_provider,
  subject text not null check (length(subject) between 1 and 255),
  account_id uuid not null references account,
  label text,                     -- what the person recognises it by
  created_at timestamptz not null,
  last_used_at timestamptz,
  ended_at timestamptz
);
create unique index staff_identity_subject on staff_identity (provider_id, subject) where ended_at is null;
create unique index staff_identity_account on staff_identity (provider_id, account_id) where ended_at is null;

-- Null: the service's own password. Otherwise who vouched for the person, with a second factor or not at all.
alter table staff_session add column identity_id uuid references staff_identity,
  add check (identity_id is null or (second_factor_at is not null and organisation_id is not null and opened_by is null));
create index staff_session_identity on staff_session (identity_id) where identity_id is not null and ended_at is null;

-- Codes that connect a clinical system could be made with a password alone until now.
update launch_credential set ended_at = now() where used_at is null and ended_at is null;

grant select, insert, update on identity_provider, staff_identity to cs_service;
