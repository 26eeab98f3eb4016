-- Of processes that look at the same moment one takes all of a patient's new letters: each took some before, and the
-- patient had a message from each. The patient's row is what they meet at; whoever finds it held looks again later.
create or replace function take_letters_to_notify(p_count integer)
returns table (account_id uuid, email text, letters integer)
language sql volatile security definer set search_path = public, pg_temp as $$
  with due as materialized (
    select l.route, l.patient_id from letter l
     where l.notified_at is null and l.removed_at is null and l.visible_from <= clock_timestamp()
     order by l.visible_from limit p_count),
  held as materialized (
    select p.route, p.id from patient p
     where (p.route, p.id) in (select d.route, d.patient_id from due d)
     order by p.route, p.id for no key update skip locked),
  marked as (
    update letter l set notified_at = clock_timestamp() from held h
     where l.route = h.route and l.patient_id = h.id
       and l.notified_at is null and l.removed_at is null and l.visible_from <= clock_timestamp()
    returning l.route, l.patient_id, l.first_read_at)
  select a.id, a.email, count(*)::integer
    from marked m join patient_account a on a.route = m.route and a.patient_id = m.patient_id and a.closed_at is null
   where m.first_read_at is null
   group by a.id, a.email
$$;
