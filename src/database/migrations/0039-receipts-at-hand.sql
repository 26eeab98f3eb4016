-- What is answered about a letter is kept beside each of its identifiers: to look up the letter as well took a third of
-- what thousands of receipts cost.
alter table letter_identifier
  add column label smallint,
  add column visible_from timestamptz,
  add column first_read_at timestamptz,
  add column reported_unreadable_at timestamptz,
  add column removed_at timestamptz;
update letter_identifier w
   set label = l.label, visible_from = l.visible_from, first_read_at = l.first_read_at,
       reported_unreadable_at = l.reported_unreadable_at, removed_at = l.removed_at
  from letter l where l.route = w.route and l.id = w.letter_id;
alter table letter_identifier alter column label set not null, alter column visible_from set not null;

-- The service reads them by way of the function below and nothing else, which asks for labels and teams.
drop policy sent on letter_identifier;
revoke select on letter_identifier from cs_service;

-- The lock makes whoever reads or changes the letter at this moment come first, or find this row. Letters are always
-- locked before their identifiers.
create function keep_letter_beside_identifier() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  select l.label, l.visible_from, l.first_read_at, l.reported_unreadable_at, l.removed_at
    into new.label, new.visible_from, new.first_read_at, new.reported_unreadable_at, new.removed_at
    from letter l where l.route = new.route and l.id = new.letter_id for no key update;
  return new;
end $$;
create trigger letter_identifier_at_hand before insert or update of letter_id on letter_identifier
  for each row execute function keep_letter_beside_identifier();

create function keep_identifiers_of_letter() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  update letter_identifier w
     set label = new.label, visible_from = new.visible_from, first_read_at = new.first_read_at,
         reported_unreadable_at = new.reported_unreadable_at, removed_at = new.removed_at
   where w.route = new.route and w.letter_id = new.id;
  return null;
end $$;
create trigger letter_identifiers after update on letter for each row
  when ((old.label, old.visible_from, old.first_read_at, old.reported_unreadable_at, old.removed_at)
        is distinct from
        (new.label, new.visible_from, new.first_read_at, new.reported_unreadable_at, new.removed_at))
  execute function keep_identifiers_of_letter();

-- As in 0024, but for the letter, which is not looked up.
create or replace function fhir_read_receipts(
  p_systems text[], p_values text[], out places integer[], out patients uuid[], out removed boolean[],
  out first_read bigint[], out visible_from bigint[], out unreadable bigint[]
) language sql stable security definer set search_path = public, pg_temp as $$
  select array_agg(k.n::integer), array_agg(x.patient_id), array_agg(x.removed_at is not null),
         array_agg(fhir_millis(x.first_read_at)), array_agg(fhir_millis(x.visible_from)),
         array_agg(fhir_millis(x.reported_unreadable_at))
    from (select app_organisation() as organisation, app_labels() as labels, app_teams() as teams offset 0) s
   cross join unnest(p_systems, p_values) with ordinality k(system, value, n)
   cross join lateral (
    select w.patient_id, w.removed_at, w.first_read_at, w.visible_from, w.reported_unreadable_at
      from letter_identifier w
     where w.organisation_id = s.organisation and w.value = k.value and (k.system = '' or w.system = k.system)
       and w.registered and (s.labels >> w.label) & 1 = 1
       and (s.teams is null or exists (
             select from registration g where g.route = w.route and g.patient_id = w.patient_id
                and g.organisation_id = s.organisation and g.teams && s.teams))
     limit 2) x
$$;

-- Random ids do not compress, and the attempt is made for each record that names some hundreds.
alter table audit_record alter column patients set storage external;
