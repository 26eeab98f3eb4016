-- A letter's content may stand in a Binary. When that is changed or deleted the letter holds something else, as when its
-- own content is changed: a receipt for what it held before does not speak for what it holds now.
alter table letter add column contents integer not null default 1; -- counts the changes behind it

create function keep_letters_of_binary() returns trigger language plpgsql security definer
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
     and l.route = d.route and l.id = d.id;
  return null;
end $$;
create trigger letters_of_binary after update or delete on resource for each row
  when (old.type = 'Binary' and old.patient_id is not null) execute function keep_letters_of_binary();
