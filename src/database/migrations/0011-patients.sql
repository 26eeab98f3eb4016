-- Patients as people who sign in: invitations, accounts, letters, sharing choices, and mail to them.

------------------------------------------------------------------------------------- accounts and sessions
-- `id` carries the patient's routing key. An account that was closed stays for the audit; the patient may join again.
create table patient_account (
  route integer not null,
  id uuid not null,
  patient_id uuid not null,
  email text not null check (email = lower(email)),
  name text not null default '',  -- for the page frame; taken from the Patient resource at each sign-in
  password_hash text not null,
  joined_at timestamptz not null,
  closed_at timestamptz,
  primary key (route, id),
  check (route = fhir_route(id))
);
create unique index patient_account_patient on patient_account (route, patient_id) where closed_at is null;
create unique index patient_account_email on patient_account (email) where closed_at is null;

-- Whether the patient has an account, kept beside what a query about thousands of patients reads anyway.
alter table patient add column joined_at timestamptz;

create table patient_session (
  id_hash bytea primary key,      -- SHA-256 of the cookie's 256 random bits
  route integer not null,
  account_id uuid not null,
  csrf_token text not null,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  address text,
  user_agent text
);
create index patient_session_account on patient_session (account_id) where ended_at is null;
create index patient_session_expiry on patient_session (expires_at);

-- What a link in a message stands for until it is followed once: `token_hash` is the SHA-256 of its 256 random bits.
create table patient_link (
  token_hash bytea primary key,
  purpose text not null check (purpose in ('join', 'password')),
  route integer not null,
  invitation_id uuid,             -- join
  email text,                     -- join
  password_hash text,             -- join
  account_id uuid,                -- password
  created_at timestamptz not null,
  expires_at timestamptz not null,
  check (case purpose when 'join' then invitation_id is not null and email is not null and password_hash is not null
                      else account_id is not null end)
);
create index patient_link_expiry on patient_link (expires_at);

-------------------------------------------------------------------------------------------------- invitations
-- A single-use pair of codes, each kept as an HMAC-SHA-256 with the pepper.
create table invitation (
  route integer not null,
  id uuid not null,               -- carries the patient's routing key
  patient_id uuid not null,
  organisation_id uuid not null,
  code_hash bytea not null,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  created_by_connection uuid,
  created_by_account uuid,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  revoke_reason text check (revoke_reason in ('replaced', 'joined', 'attempts', 'withdrawn')),
  birth_date_failures smallint not null default 0,  -- in the pair's whole life, not in a window
  primary key (route, id),
  check (route = fhir_route(id))
);
create unique index invitation_code on invitation (code_hash);
create index invitation_patient on invitation (route, patient_id);
create index invitation_connection on invitation (created_by_connection, created_at) where created_by_connection is not null;

------------------------------------------------------------------------------------------------------ letters
-- One row a DocumentReference about a patient, kept in step by the trigger below: what lists and receipts need
-- without reading the document.
create table letter (
  route integer not null,
  id uuid not null,               -- of the DocumentReference
  patient_id uuid not null,
  organisation_id uuid not null,
  label smallint not null,
  title text not null,
  document_at timestamptz not null,
  sent_at timestamptz not null,
  visible_from timestamptz not null,
  first_read_at timestamptz,      -- the receipt: by the patient, once for what the document holds now
  earlier_read_at timestamptz,    -- of what it held before it was changed
  reported_unreadable_at timestamptz,
  notified_at timestamptz,        -- when a message about it was written, or would have been to a patient who joined
  replaced_by uuid,               -- by another document with the same identifier
  replaced_from timestamptz,
  removed_at timestamptz,         -- deleted, or no longer current
  primary key (route, id)
);
create index letter_patient on letter (route, patient_id, visible_from desc, id);
create index letter_organisation on letter (organisation_id, sent_at);
create index letter_to_notify on letter (visible_from) where notified_at is null and removed_at is null;

-- By which a sender asks for receipts: the newest document of each patient under an identifier. Looked up like
-- patient_identifier, from outside, so it does not begin with the routing key.
create table letter_identifier (
  organisation_id uuid not null,
  system text not null,
  value text not null,
  route integer not null,
  patient_id uuid not null,
  letter_id uuid not null,
  primary key (organisation_id, value, system, route, patient_id)
);
create index letter_identifier_letter on letter_identifier (route, letter_id);

-- The delay that the sender asks for is counted in days from the document's own date, as HL7 OBX-13.1 is there.
create function letter_delay_days(document jsonb) returns integer language sql immutable parallel safe
  return (select max(least((e ->> v)::integer, 365))
            from jsonb_array_elements(case jsonb_typeof(document -> 'extension') when 'array' then document -> 'extension'
                                      else '[]' end) e,
                 unnest(array['valueUnsignedInt', 'valuePositiveInt', 'valueInteger']) v
           where e ->> 'url' = 'urn:connected-systems:extension:visible-after-days' and e ->> v ~ '^\d{1,4}$');

create function keep_letter() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  now_ timestamptz := clock_timestamp();
  document jsonb;
  current_ boolean;
  changed boolean := false;
  dated timestamptz;
  delay integer;
  shown timestamptz;
  named record;
begin
  if tg_op = 'DELETE' then
    update letter l set removed_at = now_ where l.route = old.route and l.id = old.id and l.removed_at is null;
    -- What it replaced is the letter again.
    update letter_identifier li set letter_id = l.id
      from letter l
     where li.route = old.route and li.letter_id = old.id and l.route = old.route
       and l.patient_id = old.patient_id and l.replaced_by = old.id;
    update letter l set replaced_by = null, replaced_from = null
     where l.route = old.route and l.patient_id = old.patient_id and l.replaced_by = old.id;
    return null;
  end if;
  document := new.content::jsonb;
  current_ := document ->> 'status' = 'current'
              and coalesce(document ->> 'docStatus', 'final') not in ('preliminary', 'entered-in-error');
  if tg_op = 'UPDATE' then
    changed := (old.content::jsonb -> 'content') is distinct from (document -> 'content');
  end if;
  dated := case when isfinite(new.sort_from) then new.sort_from else new.updated_at end;
  delay := coalesce(letter_delay_days(document), 0);
  shown := case when delay > 0 then dated + make_interval(days => delay) else new.updated_at end;

  insert into letter as l (route, id, patient_id, organisation_id, label, title, document_at, sent_at, visible_from,
                           removed_at)
  values (new.route, new.id, new.patient_id, new.organisation_id, new.label,
          left(coalesce(nullif(btrim(document ->> 'description'), ''), document #>> '{content,0,attachment,title}',
                        document #>> '{type,text}', document #>> '{type,coding,0,display}', 'Letter'), 300),
          dated, new.updated_at, shown, case when not current_ then now_ end)
  on conflict (route, id) do update set
    label = excluded.label, title = excluded.title, document_at = excluded.document_at,
    -- What the patient has already seen does not go back into hiding because a word in it was put right.
    visible_from = case when l.visible_from <= now_ and l.removed_at is null then l.visible_from
                        else excluded.visible_from end,
    earlier_read_at = case when changed then coalesce(l.first_read_at, l.earlier_read_at) else l.earlier_read_at end,
    first_read_at = case when changed then null else l.first_read_at end,
    reported_unreadable_at = case when changed then null else l.reported_unreadable_at end,
    notified_at = case when changed then null else l.notified_at end,
    removed_at = case when current_ then null else coalesce(l.removed_at, now_) end
  returning l.visible_from into shown;

  for named in
    select distinct i ->> 'system' as system, i ->> 'value' as value
      from (select document -> 'masterIdentifier' as i
            union all
            select jsonb_array_elements(case jsonb_typeof(document -> 'identifier') when 'array'
                                        then document -> 'identifier' else '[]' end)) s
     where i ->> 'value' <> ''
  loop
    -- The row's lock also puts two senders of one identifier in order.
    insert into letter_identifier as li (organisation_id, system, value, route, patient_id, letter_id)
    values (new.organisation_id, coalesce(named.system, ''), named.value, new.route, new.patient_id, new.id)
    on conflict (organisation_id, value, system, route, patient_id) do nothing;
    if not found and current_ and tg_op = 'INSERT' then
      update letter l set replaced_by = new.id, replaced_from = greatest(now_, shown)
        from letter_identifier li
       where li.organisation_id = new.organisation_id and li.system = coalesce(named.system, '')
         and li.value = named.value and li.route = new.route and li.patient_id = new.patient_id
         and l.route = li.route and l.id = li.letter_id and l.id <> new.id and l.replaced_by is null;
      update letter_identifier li set letter_id = new.id
       where li.organisation_id = new.organisation_id and li.system = coalesce(named.system, '')
         and li.value = named.value and li.route = new.route and li.patient_id = new.patient_id;
    end if;
  end loop;
  return null;
end $$;

create trigger letter_written after insert or update on resource for each row
  when (new.type = 'DocumentReference' and new.patient_id is not null) execute function keep_letter();
create trigger letter_deleted after delete on resource for each row
  when (old.type = 'DocumentReference' and old.patient_id is not null) execute function keep_letter();

------------------------------------------------------------------------------------------------------ sharing
-- Every choice a patient made of what an organisation sees of others' entries; never changed, only added to.
create table sharing_choice (
  route integer not null,
  patient_id uuid not null,
  id uuid not null,
  organisation_id uuid not null,
  at timestamptz not null,
  labels_before smallint not null,
  labels smallint not null,
  stopped_all boolean not null default false,
  primary key (route, patient_id, id)
);

--------------------------------------------------------------------------------------------------------- mail
-- Messages to be sent, put here by the transaction that causes them. `sealed` (AES-256-GCM) holds address and text,
-- for they may carry a link that works once; it is emptied when the message is sent.
create table outbox (
  id uuid primary key,
  kind text not null,
  sealed bytea,
  created_at timestamptz not null,
  next_attempt_at timestamptz not null,
  attempts smallint not null default 0,
  sent_at timestamptz,
  failed_at timestamptz,          -- given up
  error text
);
create index outbox_waiting on outbox (next_attempt_at) where sent_at is null and failed_at is null;
create index outbox_latest on outbox (created_at desc);

-------------------------------------------------------------------------------------------- who has looked
-- Its list of pending entries is kept short, so that no write waits long while it is merged.
create index audit_record_patients on audit_record using gin (patients) with (gin_pending_list_limit = 512)
  where patients is not null;
-- A refused call names no patients; that it asked for something of a patient's shows in the id, whose first eight
-- digits are the patient's routing key.
create index audit_record_refused_ids on audit_record (left(resource_id, 8), at desc)
  where kind = 'fhir' and outcome <> 'allowed' and resource_id is not null;

------------------------------------------------------------------------------------------------- second lock
-- A patient who is signed in sees what is theirs, and a letter not before its time.
create function app_patient() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.patient', true), '')::uuid;

-- Opens the lock for this transaction. Returns the patient's id, or null when there is no such account.
create function act_for_patient(p_account uuid) returns uuid language plpgsql volatile as $$
declare
  patient uuid;
begin
  select a.patient_id into patient from patient_account a
   where a.route = fhir_route(p_account) and a.id = p_account and a.closed_at is null;
  if patient is not null then
    perform set_config('app.patient', patient::text, true),
            set_config('app.organisation', '', true),
            set_config('app.labels', '0', true),
            set_config('app.teams', '', true),
            set_config('role', 'cs_person', true);
  end if;
  return patient;
end $$;

-- A function, not a subquery: the plan of every statement on `resource` would carry the subquery and the policies of
-- its tables along, for the sake of the one patient who reads letters.
create function letter_is_visible(p_route integer, p_id uuid) returns boolean language sql stable security definer
set search_path = public, pg_temp as $$
  select exists (select from letter l where l.route = p_route and l.id = p_id and l.visible_from <= clock_timestamp())
$$;
revoke all on function letter_is_visible from public;
grant execute on function letter_is_visible to cs_service;

alter table letter enable row level security;
alter table letter_identifier enable row level security;
alter table invitation enable row level security;
alter table sharing_choice enable row level security;

create policy self on registration for select to cs_person using (patient_id = (select app_patient()));
create policy self on patient for select to cs_service using (id = app_patient());
create policy self on resource for select to cs_person using (
  patient_id = (select app_patient()) and case when type <> 'DocumentReference' then true
                                               else letter_is_visible(route, id) end);
create policy self on letter for select to cs_service using (
  patient_id = app_patient() and visible_from <= clock_timestamp());
create policy self on sharing_choice for select to cs_service using (patient_id = app_patient());

-- An organisation sees the letters it sent, under the labels and teams of who asks; identifiers of its own.
create policy sent on letter for select to cs_service using (
  organisation_id = app_organisation() and (app_labels() >> label) & 1 = 1 and exists (
    select from registration g where g.route = letter.route and g.patient_id = letter.patient_id
       and g.organisation_id = app_organisation()));
create policy sent on letter_identifier for select to cs_service using (organisation_id = app_organisation());

create policy own on invitation for select to cs_service using (
  organisation_id = app_organisation() and exists (
    select from registration g where g.route = invitation.route and g.patient_id = invitation.patient_id
       and g.organisation_id = app_organisation()));
create policy own_insert on invitation for insert to cs_service with check (
  organisation_id = app_organisation() and exists (
    select from registration g where g.route = invitation.route and g.patient_id = invitation.patient_id
       and g.organisation_id = app_organisation()));
create policy own_update on invitation for update to cs_service using (organisation_id = app_organisation())
  with check (organisation_id = app_organisation());

grant select, insert, update on patient_account, patient_session, patient_link, outbox to cs_service;
grant delete on patient_session, patient_link, outbox to cs_service;
grant select, insert on invitation to cs_service;
grant update (revoked_at, revoke_reason) on invitation to cs_service;
grant select on letter, letter_identifier, sharing_choice to cs_service;

--------------------------------------------------------------------------- what only these functions may change
-- Joining: whoever has the codes has no account yet, so the invitation is found by what only they can know.
create function invitation_by_code(p_code_hash bytea)
returns table (route integer, id uuid, patient_id uuid, organisation_id uuid, token_hash bytea, expires_at timestamptz,
               used_at timestamptz, revoked_at timestamptz, revoke_reason text, birth_date_failures smallint,
               birth_date date, deceased boolean, joined_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
  select i.route, i.id, i.patient_id, i.organisation_id, i.token_hash, i.expires_at, i.used_at, i.revoked_at,
         i.revoke_reason, i.birth_date_failures, p.birth_date, p.deceased, p.joined_at
    from invitation i join patient p on p.route = i.route and p.id = i.patient_id
   where i.code_hash = p_code_hash
$$;

-- One try at the date of birth: counted under the row's lock, so that a hundred sent at once are a hundred.
-- The pair is worth nothing after the last: dates of birth are few enough to be tried through in ten weeks.
create function try_birth_date(p_code_hash bytea, p_birth_date date, p_tries integer) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  held record;
begin
  select i.route, i.id, i.birth_date_failures into held
    from invitation i where i.code_hash = p_code_hash and i.revoked_at is null and i.used_at is null for update;
  if not found or held.birth_date_failures >= p_tries then
    return false;
  end if;
  perform from invitation i join patient p on p.route = i.route and p.id = i.patient_id
    where i.route = held.route and i.id = held.id and p.birth_date = p_birth_date;
  if found then
    return true;
  end if;
  update invitation i
     set birth_date_failures = i.birth_date_failures + 1,
         revoked_at = case when i.birth_date_failures + 1 >= p_tries then clock_timestamp() end,
         revoke_reason = case when i.birth_date_failures + 1 >= p_tries then 'attempts' end
   where i.route = held.route and i.id = held.id;
  return false;
end $$;

-- Follows the link of a confirmation message: account, invitation and patient change together or not at all.
create function join_patient(p_link_hash bytea, p_account_id uuid, p_now timestamptz,
                             out outcome text, out patient uuid, out organisation uuid, out email text)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  link record;
  invited record;
  person record;
begin
  select * into link from patient_link l where l.token_hash = p_link_hash and l.purpose = 'join';
  if not found or link.expires_at <= p_now then
    outcome := 'link-unusable';
    return;
  end if;
  -- The patient's row first, always: two invitations of one patient, followed at once, must not wait for each other.
  select p.* into person from invitation i join patient p on p.route = i.route and p.id = i.patient_id
   where i.route = link.route and i.id = link.invitation_id for update of p;
  if not found then
    outcome := 'link-unusable';
    return;
  end if;
  select * into invited from invitation i where i.route = link.route and i.id = link.invitation_id for update;
  patient := invited.patient_id;
  organisation := invited.organisation_id;
  outcome := case
    when person.deceased or person.birth_date is null
         or person.birth_date > (p_now at time zone 'Europe/London')::date - interval '16 years' then 'may-not-join'
    when invited.used_at is not null or person.joined_at is not null then 'invitation-used'
    when invited.revoked_at is not null or invited.expires_at <= p_now then 'invitation-ended'
    else 'joined' end;
  if outcome <> 'joined' then
    return;
  end if;
  insert into patient_account (route, id, patient_id, email, password_hash, joined_at)
  values (invited.route, p_account_id, invited.patient_id, link.email, link.password_hash, p_now)
  on conflict do nothing;
  if not found then
    outcome := 'email-taken';
    return;
  end if;
  email := link.email;
  update patient p set joined_at = p_now where p.route = invited.route and p.id = invited.patient_id;
  update invitation i set used_at = p_now where i.route = invited.route and i.id = invited.id;
  update invitation i set revoked_at = p_now, revoke_reason = 'joined'
   where i.route = invited.route and i.patient_id = invited.patient_id and i.used_at is null and i.revoked_at is null;
  delete from patient_link l using invitation i
   where l.purpose = 'join' and l.route = invited.route and i.route = l.route and i.id = l.invitation_id
     and i.patient_id = invited.patient_id;
end $$;

create function close_patient_account(p_account uuid, p_now timestamptz) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  patient uuid := app_patient();
begin
  update patient_account a set closed_at = p_now
   where a.route = fhir_route(p_account) and a.id = p_account and a.patient_id = patient and a.closed_at is null;
  if not found then
    return false;
  end if;
  update patient p set joined_at = null where p.route = fhir_route(patient) and p.id = patient;
  update patient_session s set ended_at = p_now where s.account_id = p_account and s.ended_at is null;
  delete from patient_link l where l.account_id = p_account and l.purpose = 'password';
  return true;
end $$;

-- The receipt: set once, by the patient and nobody else. Returns when the letter was first read and whether by this.
create function read_letter(p_letter uuid, out first_read timestamptz, out now_read boolean)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  patient uuid := app_patient();
begin
  update letter l set first_read_at = clock_timestamp()
   where l.route = fhir_route(patient) and l.id = p_letter and l.patient_id = patient and l.first_read_at is null
     and l.visible_from <= clock_timestamp() and l.removed_at is null;
  now_read := found;
  select l.first_read_at into first_read from letter l
   where l.route = fhir_route(patient) and l.id = p_letter and l.patient_id = patient;
end $$;

create function report_letter(p_letter uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  patient uuid := app_patient();
begin
  update letter l set reported_unreadable_at = clock_timestamp()
   where l.route = fhir_route(patient) and l.id = p_letter and l.patient_id = patient
     and l.reported_unreadable_at is null and l.visible_from <= clock_timestamp() and l.removed_at is null;
  return found;
end $$;

-- Letters that have become visible and of which nobody was told: from now on they count as told, and whoever has
-- joined is named here once, with how many there are. The caller writes the messages in the same transaction.
create function take_letters_to_notify(p_count integer) returns table (account_id uuid, email text, letters integer)
language sql volatile security definer set search_path = public, pg_temp as $$
  with due as (
    select l.route, l.id, l.patient_id from letter l
     where l.notified_at is null and l.removed_at is null and l.visible_from <= clock_timestamp()
     order by l.visible_from limit p_count for update skip locked),
  marked as (
    update letter l set notified_at = clock_timestamp() from due where l.route = due.route and l.id = due.id
    returning l.route, l.patient_id, l.first_read_at)
  select a.id, a.email, count(*)::integer
    from marked m join patient_account a on a.route = m.route and a.patient_id = m.patient_id and a.closed_at is null
   where m.first_read_at is null
   group by a.id, a.email
$$;

-- A choice and what it changes, together. Null for an organisation the patient is not registered with.
create function choose_sharing(p_organisation uuid, p_labels smallint, p_choice_id uuid, p_stopped_all boolean)
returns smallint language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  patient uuid := app_patient();
  before smallint;
begin
  select g.shared_labels into before from registration g
   where g.route = fhir_route(patient) and g.patient_id = patient and g.organisation_id = p_organisation for update;
  if not found or before = p_labels then
    return before;
  end if;
  update registration g set shared_labels = p_labels
   where g.route = fhir_route(patient) and g.patient_id = patient and g.organisation_id = p_organisation;
  insert into sharing_choice (route, patient_id, id, organisation_id, at, labels_before, labels, stopped_all)
  values (fhir_route(patient), patient, p_choice_id, p_organisation, clock_timestamp(), before, p_labels, p_stopped_all);
  return before;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['invitation_by_code', 'try_birth_date', 'join_patient', 'close_patient_account',
                              'read_letter', 'report_letter', 'take_letters_to_notify', 'choose_sharing',
                              'keep_letter'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;

-- A patient with an account is in use; one without leaves no invitation behind.
alter function fhir_delete_patient(uuid, integer) rename to fhir_delete_unjoined_patient;
revoke all on function fhir_delete_unjoined_patient from cs_service;
create function fhir_delete_patient(p_id uuid, p_version integer) returns text
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  perform from patient p join resource r on r.route = p.route and r.id = p.id
    where p.route = fhir_route(p_id) and p.id = p_id and p.joined_at is not null
      and r.organisation_id = app_organisation() and r.version = p_version;
  if found then
    return 'patient-in-use';
  end if;
  return fhir_delete_unjoined_patient(p_id, p_version);
end $$;
revoke all on function fhir_delete_patient from public;
grant execute on function fhir_delete_patient to cs_service;

create function forget_invitations() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  delete from invitation i where i.route = old.route and i.patient_id = old.id;
  return null;
end $$;
create trigger patient_deleted after delete on patient for each row execute function forget_invitations();
