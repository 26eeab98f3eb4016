-- A letter may name one version of the Binary that holds its content (`Binary/…/_history/1`). It is then opened as it was
-- in that version, as long as the Binary is there.

-- Whoever may read a patient's Binary here may read what it held before.
create policy self on resource_version for select to cs_person using (
  type = 'Binary' and patient_id = (select app_patient()));
create policy broken_glass on resource_version for select to cs_person using (
  type = 'Binary' and patient_id = (select app_glass()) and glass_is_broken(patient_id));

-- As in 0034, but: a letter that names a version holds what it held, whatever the Binary becomes.
create or replace function keep_letters_of_binary() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and (old.content::jsonb - 'meta') = (new.content::jsonb - 'meta') then
    return null;
  end if;
  update letter l
     set earlier_read_at = coalesce(l.first_read_at, l.earlier_read_at), first_read_at = null,
         reported_unreadable_at = null, notified_at = null, contents = l.contents + 1
    from resource d
   where d.route = old.route and d.patient_id = old.patient_id and d.organisation_id = old.organisation_id
     and d.type = 'DocumentReference' and position('Binary/' || old.id::text in d.content) > 0
     and (tg_op = 'DELETE' or d.content ~ ('Binary/' || old.id::text || '(?!/_history/)'))
     and l.route = d.route and l.id = d.id;
  return null;
end $$;
