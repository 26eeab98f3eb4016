-- The record page: a professional reads one patient's record within the organisation's purview, and may break the
-- glass in front of what the patient does not share with it.

create table break_glass (
  route integer not null,
  patient_id uuid not null,
  id uuid not null,               -- carries the patient's routing key
  organisation_id uuid not null,
  account_id uuid not null,
  reason text not null check (reason in ('emergency', 'safeguarding', 'asked', 'other')),
  explanation text not null check (length(explanation) between 10 and 500),
  broken_at timestamptz not null,
  until timestamptz not null,
  ended_at timestamptz,
  primary key (route, patient_id, id),
  check (route = fhir_route(patient_id) and route = fhir_route(id) and until > broken_at)
);
create index break_glass_organisation on break_glass (organisation_id, broken_at desc);

alter table break_glass enable row level security;
create policy own on break_glass for select to cs_service using (
  organisation_id = app_organisation() and exists (
    select from registration g where g.route = break_glass.route and g.patient_id = break_glass.patient_id
       and g.organisation_id = app_organisation()));
create policy self on break_glass for select to cs_service using (patient_id = app_patient());
grant select on break_glass to cs_service;

------------------------------------------------------------------------------------------------- second lock
create function app_account() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.account', true), '')::uuid;
create function app_glass() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.glass', true), '')::uuid;

-- The setting alone opens nothing: the broken glass must be there, this person's, and its time not over.
create function glass_is_broken(p_patient uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from break_glass b
      join registration g on g.route = b.route and g.patient_id = b.patient_id and g.organisation_id = b.organisation_id
     where b.route = fhir_route(p_patient) and b.patient_id = p_patient and b.organisation_id = app_organisation()
       and b.account_id = app_account() and b.ended_at is null and b.until > clock_timestamp())
$$;

-- A policy of its own, so that no other need know of it, and of a role that only act_for_record() takes.
create policy broken_glass on resource for select to cs_person using (
  patient_id = (select app_glass()) and glass_is_broken(patient_id));

-- Opens the lock for a person who reads this patient's record. Role is null when they hold none there now.
create function act_for_record(
  in p_account uuid, in p_organisation uuid, in p_patient uuid, out role text, out glass_until timestamptz
) language plpgsql volatile as $$
begin
  role := act_for_staff(p_account, p_organisation);
  if role is null then
    return;
  end if;
  select max(b.until) into glass_until
    from break_glass b
   where b.route = fhir_route(p_patient) and b.patient_id = p_patient and b.organisation_id = p_organisation
     and b.account_id = p_account and b.ended_at is null and b.until > clock_timestamp();
  perform set_config('app.account', p_account::text, true),
          set_config('app.glass', case when glass_until is null then '' else p_patient::text end, true);
  if glass_until is not null then
    perform set_config('role', 'cs_person', true);
  end if;
end $$;

---------------------------------------------------------------------------- what only these functions may change
-- For half an hour, for the record that the context has open and the person who opened it, where the organisation
-- allows it. Asked twice, the first counts.
create function open_break_glass(
  in p_id uuid, in p_context text, in p_account uuid, in p_organisation uuid, in p_reason text, in p_explanation text,
  out outcome text,               -- 'broken', 'already', 'not-allowed'
  out patient uuid,
  out glass_until timestamptz
) language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  opened timestamptz := clock_timestamp();
begin
  -- The context's lock puts two that were sent at once in order.
  select c.patient_id into patient
    from record_context c
    join staff_role r on r.account_id = c.account_id and r.organisation_id = c.organisation_id and r.ended_at is null
    join account a on a.id = c.account_id and a.disabled_at is null
    join registration g on g.route = c.route and g.patient_id = c.patient_id and g.organisation_id = c.organisation_id
   where c.id = p_context and c.account_id = p_account and c.organisation_id = p_organisation and c.break_glass
     for update of c;
  if not found then
    outcome := 'not-allowed';
    return;
  end if;
  select b.until into glass_until
    from break_glass b
   where b.route = fhir_route(patient) and b.patient_id = patient and b.organisation_id = p_organisation
     and b.account_id = p_account and b.ended_at is null and b.until > opened
   order by b.until desc limit 1;
  if found then
    outcome := 'already';
    return;
  end if;
  outcome := 'broken';
  glass_until := opened + interval '30 minutes';
  insert into break_glass (route, patient_id, id, organisation_id, account_id, reason, explanation, broken_at, until)
  values (fhir_route(patient), patient, p_id, p_organisation, p_account, p_reason, p_explanation, opened, glass_until);
end $$;

create function end_break_glass(p_patient uuid, p_account uuid, p_organisation uuid) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  ended integer;
begin
  update break_glass b set ended_at = clock_timestamp()
   where b.route = fhir_route(p_patient) and b.patient_id = p_patient and b.organisation_id = p_organisation
     and b.account_id = p_account and b.ended_at is null and b.until > clock_timestamp();
  get diagnostics ended = row_count;
  return ended;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['glass_is_broken', 'open_break_glass', 'end_break_glass'] loop
    execute format('revoke all on function %I from public', name);
    execute format('grant execute on function %I to cs_service', name);
  end loop;
end $$;
