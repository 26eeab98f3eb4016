import { NHS_NUMBER_SYSTEM } from '../src/demo/nhs-number.ts';

/* One statement for a whole request, each with what the answer says and nothing more. */

export const STATUS = `
select k.n, p.joined_at is not null as registered, p.deceased, p.birth_date::text
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join patient_identifier i on i.system = k.system and i.value = k.value
  join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = $3
  join patient p on p.route = i.route and p.id = i.patient_id`;
export const LAST = `
select k.n, l.at
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join patient_identifier i on i.system = k.system and i.value = k.value
  join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = $3
  join lateral (select max(r.updated_at) as at from resource r
                 where r.route = i.route and r.patient_id = i.patient_id and r.type <> 'Patient') l on true`;
export const RECEIPTS = `
select k.n, l.first_read_at
  from unnest($1::text[], $2::text[]) with ordinality k(system, value, n)
  join letter_identifier w on w.organisation_id = $3 and w.value = k.value and w.system = k.system
  join letter l on l.route = w.route and l.id = w.letter_id`;

export const INVITE = `
with made as (
  insert into invitation (route, id, patient_id, organisation_id, code_hash, token_hash, expires_at)
  select distinct on (i.patient_id) i.route, (left(i.patient_id::text, 8) || substr(gen_random_uuid()::text, 9))::uuid,
         i.patient_id, $3::uuid, k.code, k.token, now() + interval '10 weeks'
    from unnest($1::text[], $2::text[], $4::bytea[], $5::bytea[]) k(system, value, code, token)
    join patient_identifier i on i.system = k.system and i.value = k.value
    join registration g on g.route = i.route and g.patient_id = i.patient_id and g.organisation_id = $3
   order by i.patient_id
  returning code_hash)
select k.n from unnest($4::bytea[]) with ordinality k(code, n) join made m on m.code_hash = k.code`;

/** Patients by the list, as they are: nothing is looked for, checked or made ready to be searched. */
export const REGISTER = `
with sent as (
  select id, fhir_route(id) as route, value, born, content
    from unnest($1::uuid[], $2::text[], $3::date[], $4::text[]) s(id, value, born, content)),
patients as (insert into patient (route, id, birth_date) select route, id, born from sent),
numbers as (
  insert into patient_identifier (system, value, route, patient_id) select '${NHS_NUMBER_SYSTEM}', value, route, id from sent),
registered as (
  insert into registration (route, patient_id, organisation_id, teams) select route, id, $5::uuid, '{}' from sent)
insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content)
select route, id, 'Patient', id, $5::uuid, 0, 1, now(), '{}', content from sent`;
