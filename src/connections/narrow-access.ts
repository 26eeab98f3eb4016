import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { Context } from '../context.ts';
import { narrow, permissionsOf } from '../oauth/scopes.ts';
import { type Acting, asAdministrator, type RoleNeeded } from './acting.ts';
import { labelCodes } from './privacy-labels.ts';
import type { Status } from './standing.ts';
import { connectionOf, type HistoryEntry, historyOf, type ViewedConnection } from './store.ts';

export type Narrowing = {
  connectionId: string;
  /** `narrowingDigest` of what the administrator was shown. */
  reviewed: string;
  /** What is left ticked; what the connection did not give before is not given by it. */
  scopes: string[];
  labels: number;
  /** null: no team was ticked. */
  teams: string[] | null;
  /** The last day of access, YYYY-MM-DD in Europe/London; null: as it was. */
  lastDay: string | null;
  reason: string | null;
};

export type Narrowed =
  | { outcome: 'narrowed'; connection: ViewedConnection; at: Date }
  /** Revoked or expired: there is nothing to take from. */
  | { outcome: 'ended'; id: string; name: string; status: Status; last: HistoryEntry | null }
  /** Not what was shown any more: it has to be looked at again. */
  | { outcome: 'connection-changed' }
  | { outcome: 'nothing-taken' | 'nothing-left' | 'last-day-past' | 'last-day-later' | 'not-found' }
  | RoleNeeded;

/**
 * Takes from what a standing connection gives, with effect on every statement that starts after the commit, as a
 * revoke. It never gives: that is for a grant, whose review says what is new. Whole or not at all; of two who do it at
 * once, the second is shown what the first has left.
 */
export function createNarrowAccess({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  return async function narrowAccess(acting: Acting, narrowing: Narrowing): Promise<Narrowed> {
    const result = await asAdministrator(database.service, acting, (client) =>
      narrowInside(client, acting, narrowing),
    );
    const done = result.outcome === 'narrowed' ? result.connection : undefined;
    await audit.record({
      kind: 'page',
      interaction: 'narrow',
      outcome: done ? 'allowed' : result.outcome,
      status: STATUS[result.outcome],
      ...acting,
      clientId: done?.clientId,
      connectionId: done?.id,
      detail: done && left(done),
    });
    return result;
  };
}

async function narrowInside(
  client: ClientBase,
  { organisationId, accountId }: Acting,
  wanted: Narrowing,
): Promise<Narrowed> {
  const locked = await client.query({
    name: 'connection-narrow-lock',
    text: 'select from connection where id = $1 and organisation_id = $2 for no key update',
    values: [wanted.connectionId, organisationId],
  });
  const before = locked.rowCount ? await connectionOf(client, organisationId, wanted.connectionId) : null;
  if (!before) return { outcome: 'not-found' };
  if (before.status !== 'active' && before.status !== 'suspended') {
    const history = await historyOf(client, organisationId, before.clientId);
    const last = history.find(({ connectionId }) => connectionId === before.id) ?? null;
    return { outcome: 'ended', id: before.id, name: before.name, status: before.status, last };
  }
  if (narrowingDigest(before) !== wanted.reviewed) return { outcome: 'connection-changed' };

  const scopes = narrow(wanted.scopes, before.scopes);
  const labels = wanted.labels & before.labels;
  const teams = await narrowTeams(client, organisationId, before.teams, wanted.teams);
  if (scopes.length === 0 || labels === 0 || teams?.length === 0) return { outcome: 'nothing-left' };
  const { rows } = await client.query({
    name: 'connection-narrow',
    text: NARROW,
    values: [
      ...[before.id, organisationId, scopes, permissionsOf(scopes), labels, teams, wanted.lastDay],
      ...[accountId, wanted.reason],
    ],
  });
  const { outcome, at } = rows[0];
  if (outcome !== 'narrowed') return { outcome };
  const connection = (await connectionOf(client, organisationId, before.id))!;
  return { outcome, connection, at };
}

/** No tick means every team to a connection that has every team, and none to one that has some. */
async function narrowTeams(
  client: ClientBase,
  organisationId: string,
  before: string[] | null,
  wanted: string[] | null,
): Promise<string[] | null> {
  if (before) return before.filter((id) => wanted?.includes(id));
  if (!wanted) return null;
  const { rows } = await client.query({
    name: 'narrow-teams',
    text: 'select id from team where organisation_id = $1 and id = any($2::uuid[]) order by id',
    values: [organisationId, wanted],
  });
  return rows.map(({ id }) => id as string);
}

/** A last day is whole, and can be brought forward only. `permissions` are compared as sets. */
const NARROW = `
  with wanted as (
    select c.id, least(c.expires_at, e.at) as expires_at, clock_timestamp() as at,
           case when e.at > c.expires_at then 'last-day-later'
                when e.at <= clock_timestamp() then 'last-day-past'
                when c.permissions <@ $4::text[] and c.labels = $5 and c.teams is not distinct from $6::uuid[]
                     and e.at is null then 'nothing-taken'
                else 'narrowed' end as outcome
      from connection c
     cross join lateral (
       -- The day on which it ends anyhow is no change, whatever its hour.
       select ($7::date + 1)::timestamp at time zone 'Europe/London' as at
        where $7::date is distinct from ((c.expires_at - interval '1 millisecond') at time zone 'Europe/London')::date
        union all select null
        order by 1 limit 1) e
     where c.id = $1 and c.organisation_id = $2 and c.status in ('active', 'suspended')
  ), changed as (
    update connection c
       set scopes = $3, permissions = $4, labels = $5, teams = $6, expires_at = w.expires_at
      from wanted w where c.id = w.id and w.outcome = 'narrowed'
  ), noted as (
    insert into connection_event (id, connection_id, at, kind, account_id, detail)
    select gen_random_uuid(), id, at, 'narrowed', $8, $9 from wanted where outcome = 'narrowed'
  )
  select outcome, at from wanted`;

/** Names what a connection gives, so that people take from what they were shown. */
export function narrowingDigest({
  id,
  scopes,
  labels,
  teams,
  expiresAt,
}: Pick<ViewedConnection, 'id' | 'scopes' | 'labels' | 'teams' | 'expiresAt'>): string {
  const shown = [id, [...scopes].sort(), labels, teams && [...teams].sort(), expiresAt?.toISOString()];
  return createHash('sha256').update(JSON.stringify(shown)).digest('base64url');
}

function left({ scopes, labels, teams, expiresAt }: ViewedConnection): string {
  const limits = [
    `labels ${labelCodes(labels).join(' ')}`,
    teams && `teams ${teams.length}`,
    expiresAt && `until ${expiresAt.toISOString()}`,
  ];
  return [scopes.join(' '), ...limits.filter(Boolean)].join('; ');
}

const STATUS: Record<Narrowed['outcome'], number> = {
  narrowed: 303,
  ended: 409,
  'connection-changed': 409,
  'nothing-taken': 422,
  'nothing-left': 422,
  'last-day-past': 422,
  'last-day-later': 422,
  'not-found': 404,
  'role-needed': 403,
};
