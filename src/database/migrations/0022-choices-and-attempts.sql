-- A patient's sharing choice as FHIR has it: one Consent for each organisation about which a choice was made, written
-- with the choice. And who tried to find a patient: what a request named, though nothing of it was touched.

------------------------------------------------------------------------------------------ choices as Consents
-- Set on what the patient, and no organisation, wrote. Such a row concerns one organisation (`organisation_id`) and is
-- seen by no other, whatever the patient shares with others: choices about one organisation are none of another's.
alter table resource add column by_patient boolean check (by_patient);
alter table resource_version add column by_patient boolean check (by_patient);

alter policy purview on resource using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource.organisation_id = g.organisation_id or resource.type = 'Patient'
            or ((g.shared_labels >> resource.label) & 1 = 1 and resource.by_patient is null)) offset 0)
  end);
alter policy purview on resource_version using (
  ((select app_labels()) >> label) & 1 = 1 and
  case when patient_id is null then organisation_id = (select app_organisation())
  else exists (
    select from registration g
     where g.route = resource_version.route and g.patient_id = resource_version.patient_id
       and g.organisation_id = (select app_organisation())
       and (resource_version.organisation_id = g.organisation_id or resource_version.type = 'Patient'
            or ((g.shared_labels >> resource_version.label) & 1 = 1 and resource_version.by_patient is null)) offset 0)
  end);
-- Broken glass opens what is not shared, not what was said about others.
alter policy broken_glass on resource using (
  patient_id = (select app_glass()) and glass_is_broken(patient_id)
  and (by_patient is null or organisation_id = (select app_organisation())));

-- Only choose_sharing() writes them.
alter policy own_insert on resource with check (
  organisation_id = (select app_organisation()) and ((select app_labels()) >> label) & 1 = 1 and by_patient is null
  and (patient_id is null or exists (
    select from registration g where g.route = resource.route and g.patient_id = resource.patient_id
       and g.organisation_id = (select app_organisation()) offset 0)));
alter policy own_update on resource
  using (organisation_id = (select app_organisation()) and by_patient is null)
  with check (organisation_id = (select app_organisation()) and ((select app_labels()) >> label) & 1 = 1
              and by_patient is null);
alter policy own_delete on resource using (organisation_id = app_organisation() and by_patient is null);
alter policy own_insert on resource_version
  with check (organisation_id = app_organisation() and by_patient is null);

-- The codes of labels, in the order of their bits.
create function labels_of(labels integer) returns text[] language sql immutable parallel safe
  return array(select l.code from unnest(array['GENERAL_HEALTH', 'MENTAL_HEALTH', 'SEXUAL_HEALTH', 'SOCIAL_CARE'])
                      with ordinality l(code, n) where (labels >> (l.n::integer - 1)) & 1 = 1 order by l.n);

-- R4 Consent. No security label would stand for all of them, so a choice of nothing denies instead of permitting nothing.
create function sharing_consent(
  p_id uuid, p_version integer, p_at timestamptz, p_patient uuid, p_ods_code text, p_organisation_name text, p_labels integer
) returns text language sql stable parallel safe
  return format(
    '{"resourceType":"Consent","id":"%1$s","meta":{"versionId":"%2$s","lastUpdated":"%3$s","security":['
    '{"system":"http://fhir.patientsknowbest.com/codesystem/privacy-label","code":"GENERAL_HEALTH"},'
    '{"system":"http://fhir.patientsknowbest.com/codesystem/source-patient","code":"%4$s"}]},"status":"active",'
    '"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},'
    '"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"INFA"}]}],'
    '"patient":{"reference":"Patient/%4$s"},"dateTime":"%3$s","performer":[{"reference":"Patient/%4$s"}],'
    '"organization":[%5$s],'
    '"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"%6$s"}],'
    '"text":"An organisation sees what it wrote itself. Of what others wrote it sees nothing unless the patient shares it."},'
    '"provision":{"type":"%7$s","actor":[{"role":{"coding":['
    '{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":%5$s}],'
    '"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]}]%8$s}}',
    p_id, p_version, fhir_instant(p_at), p_patient,
    format('{"type":"Organization","identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":%s},'
           '"display":%s}', to_json(p_ods_code), to_json(p_organisation_name)),
    case p_labels when 0 then 'OPTOUT' else 'OPTIN' end,
    case p_labels when 0 then 'deny' else 'permit' end,
    case when p_labels <> 0 then ',"securityLabel":[' || (
      select string_agg(format('{"system":"http://fhir.patientsknowbest.com/codesystem/privacy-label","code":"%s"}', l), ',')
        from unnest(labels_of(p_labels)) l) || ']' else '' end);

-- What a search finds it by, as fhir/search-index would write it of that text (a test holds the two together).
create function sharing_consent_tokens(p_patient uuid, p_ods_code text, p_labels integer) returns text[]
language sql stable parallel safe
  return array(
    select t from (
      select c.code || '=' || f from (values
          ('action', 'http://terminology.hl7.org/CodeSystem/consentaction', 'access'),
          ('actor:identifier', 'https://fhir.nhs.uk/Id/ods-organization-code', p_ods_code),
          ('category', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'INFA'),
          ('organization:identifier', 'https://fhir.nhs.uk/Id/ods-organization-code', p_ods_code),
          ('scope', 'http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy')) c(code, system, value)
        cross join lateral (values (c.system || '|' || c.value), ('*|' || c.value), (c.system || '|')) f(f)
      union all
      select distinct 'security-label=' || f
        from unnest(labels_of(p_labels)) l
        cross join lateral (values ('http://fhir.patientsknowbest.com/codesystem/privacy-label|' || l), ('*|' || l),
                                   ('http://fhir.patientsknowbest.com/codesystem/privacy-label|')) f(f)
      union all
      select code || ':present'
        from unnest(array['action', 'actor', 'category', 'consentor', 'date', 'organization', 'patient', 'scope', 'status']) code
      union all
      select 'security-label:present' where p_labels <> 0
      union all
      values ('consentor=Patient/' || p_patient), ('patient=Patient/' || p_patient), ('status=*|active')) t(t));

-- Writes the Consent of a choice: its first version, under `p_id`, or the next.
create function keep_sharing_consent(p_patient uuid, p_organisation uuid, p_labels integer, p_id uuid, p_at timestamptz)
returns void language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
  p_route integer := fhir_route(p_patient);
  old record;
  organisation record;
  at timestamptz;
  upto timestamptz;
begin
  select o.ods_code, o.name into organisation from organisation o where o.id = p_organisation;
  select r.* into old from resource r
   where r.route = p_route and r.patient_id = p_patient and r.type = 'Consent' and r.organisation_id = p_organisation
     and r.by_patient for update;
  at := greatest(date_trunc('milliseconds', p_at), old.updated_at + interval '1 millisecond');
  upto := at + interval '1 millisecond';
  if old.id is null then
    insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
                          tokens, dates, content, by_patient)
    values (p_route, p_id, 'Consent', p_patient, p_organisation, 0, 1, at, at, upto,
            sharing_consent_tokens(p_patient, organisation.ods_code, p_labels),
            json_build_object('date', json_build_array(json_build_array(fhir_instant(at), fhir_instant(upto)))),
            sharing_consent(p_id, 1, at, p_patient, organisation.ods_code, organisation.name, p_labels), true);
    return;
  end if;
  insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content, by_patient)
  values (old.route, old.id, old.version, old.type, old.patient_id, old.organisation_id, old.label, old.updated_at,
          old.content, true);
  update resource r
     set version = old.version + 1, updated_at = at, sort_from = at, sort_to = upto,
         tokens = sharing_consent_tokens(p_patient, organisation.ods_code, p_labels),
         dates = json_build_object('date', json_build_array(json_build_array(fhir_instant(at), fhir_instant(upto)))),
         content = sharing_consent(old.id, old.version + 1, at, p_patient, organisation.ods_code, organisation.name, p_labels)
   where r.route = old.route and r.id = old.id;
end $$;
revoke all on function keep_sharing_consent from public;

-- A choice, what it changes and its Consent (first written under the id of the first choice), together. Null for an
-- organisation the patient is not registered with.
create or replace function choose_sharing(p_organisation uuid, p_labels smallint, p_choice_id uuid, p_stopped_all boolean)
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
  perform keep_sharing_consent(patient, p_organisation, p_labels, p_choice_id, clock_timestamp());
  return before;
end $$;

-- A system that listens to another organisation's patients hears of no choice about this one.
create or replace function tell_of_records() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if exists (select from subscription s where s.topic = 'record-changed' and s.status in ('active', 'error')) then
    insert into notification (route, subscription_id, topic, at, change, focus_type, focus_id, patient_id, label, writer,
                              next_attempt_at)
    select s.route, s.id, s.topic, clock_timestamp(),
           case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end,
           r.type, r.id, r.patient_id, r.label, r.organisation_id, clock_timestamp()
      from subscription s
      join changed r on s.types is null or r.type = any(s.types)
     where s.topic = 'record-changed' and s.status in ('active', 'error')
       and (r.by_patient is null or r.organisation_id = s.organisation_id)
       and case when r.patient_id is null then r.organisation_id = s.organisation_id
           else exists (select from registration g where g.route = r.route and g.patient_id = r.patient_id
                                                     and g.organisation_id = s.organisation_id) end;
  end if;
  return null;
end $$;

-- Choices made before this: all of them where they are known one by one, else what stands.
do $$
declare
  c record;
begin
  for c in select s.patient_id, s.organisation_id, s.labels, s.id, s.at from sharing_choice s
            join registration g on g.route = s.route and g.patient_id = s.patient_id and g.organisation_id = s.organisation_id
           order by s.at, s.id
  loop
    perform keep_sharing_consent(c.patient_id, c.organisation_id, c.labels, c.id, c.at);
  end loop;
  for c in select g.patient_id, g.organisation_id, g.shared_labels from registration g
            where g.shared_labels <> 0 and not exists (
              select from sharing_choice s where s.route = g.route and s.patient_id = g.patient_id
                                             and s.organisation_id = g.organisation_id)
  loop
    perform keep_sharing_consent(c.patient_id, c.organisation_id, c.shared_labels,
      overlay(overlay(left(c.patient_id::text, 8) || substr(gen_random_uuid()::text, 9)
                      placing '8' from 15) placing 'a' from 20)::uuid, clock_timestamp());
  end loop;
end $$;

------------------------------------------------------------------------------------------- whom a request named
-- Keyed hashes of the national numbers, and ids, of patients whom a request named and of whom nothing was touched: of
-- one that was refused, or that found nothing. Nobody looks up whose they are but the patient who asks.
alter table audit_record add column named text[];
create index audit_record_named on audit_record using gin (named) with (gin_pending_list_limit = 512)
  where named is not null;
