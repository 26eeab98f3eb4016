import type { ClientBase } from 'pg';

/** How often something happened within a step; `step` is null for what happened before the period. */
export type Happened = { measure: string; step: string | null; count: number };

/**
 * What came of a connection, by measure and step: for all time, but calls and refused invitations for the period only.
 * Run inside `asStaff`: letters, invitations and registrations are counted behind the second lock.
 * @param unit 'day', 'week' or 'month' @param first the period's first day in London
 * @param unreadDays letters count as unread when they have been visible for so many days
 */
export async function countHappened(
  client: ClientBase,
  connectionId: string,
  unit: string,
  first: string,
  unreadDays: number,
): Promise<Happened[]> {
  const { rows } = await client.query<Happened>({
    name: 'connection-numbers',
    text: `
      with happened (measure, at, count) as (
        select v.measure, v.at, 1
          from invitation i,
               lateral (values ('invitations-made', i.created_at), ('invitations-used', i.used_at),
                               ('invitations-ended', case when i.used_at is null then i.revoked_at end),
                               ('invitations-expired', case when i.used_at is null and i.revoked_at is null
                                                             and i.expires_at <= clock_timestamp() then i.expires_at end)
                       ) v(measure, at)
         where i.created_by_connection = $1
        union all
        select v.measure, v.at, 1
          from letter l,
               lateral (values ('letters-sent', l.sent_at),
                               ('letters-read', coalesce(l.earlier_read_at, l.first_read_at)),
                               ('letters-unreadable', l.reported_unreadable_at),
                               ('letters-unread', case when ${UNREAD} then l.visible_from end)) v(measure, at)
         where l.connection_id = $1
        union all
        select 'patients-registered', g.registered_at, 1 from registration g where g.connection_id = $1
        union all
        -- What we sent it is no call of its.
        select 'calls-allowed', at, 1 from audit_record
         where connection_id = $1 and kind = 'fhir' and outcome = 'allowed' and at >= ${FROM}
           and interaction <> 'notify'
        union all
        select 'calls-refused', at, 1 from audit_record
         where connection_id = $1 and kind = 'fhir' and outcome <> 'allowed' and at >= ${FROM}
        union all
        -- 'invited 12, not-found 3': what each call of the operation came to.
        select 'refused-' || m[1], a.at, m[2]::integer
          from audit_record a, regexp_matches(a.detail, '([a-z0-9-]+) (\\d{1,9})', 'g') m
         where a.connection_id = $1 and a.kind = 'fhir' and a.outcome = 'allowed'
           and a.interaction = '$generate-invitation-tokens' and a.at >= ${FROM} and m[1] <> 'invited'
        union all
        select v.measure, p.day::timestamp at time zone 'Europe/London', v.count
          from push_count p,
               lateral (values ('push-delivered', p.delivered), ('push-failed', p.failed),
                               ('push-given-up', p.given_up)) v(measure, count)
         where p.connection_id = $1
        union all
        select 'push-waiting', w.at, 1 from push_waiting($1) w)
      select measure,
             case when at >= ${FROM} then date_trunc($2, at at time zone 'Europe/London')::date::text end as step,
             sum(count)::integer as count
        from happened where at is not null
       group by 1, 2`,
    values: [connectionId, unit, first, unreadDays],
  });
  return rows;
}

const FROM = `($3::timestamp at time zone 'Europe/London')`;

/** Still there to be read, and not taken the place of by a newer one. */
const UNREAD = `l.first_read_at is null and l.removed_at is null and l.replaced_by is null
  and l.visible_from <= clock_timestamp() - make_interval(days => $4)`;
