import type { ClientBase } from 'pg';
import type { Context } from '../context.ts';
import { teamsOf } from '../directory/teams.ts';
import { newRootId } from '../ids.ts';
import { narrow, permissionsOf } from '../oauth/scopes.ts';
import { type Acting, asAdministrator, type RoleNeeded } from './acting.ts';
import { settleExpired } from './change-standing.ts';
import { EVERY_LABEL, labelCodes } from './privacy-labels.ts';
import { reviewDigest } from './reviewed-system.ts';
import { latestConnection, liveSystem, type ViewedConnection } from './store.ts';

export type Grant = {
  clientId: string;
  /** `reviewDigest` of what the administrator was shown. */
  reviewed: string;
  /** What they left ticked; anything beyond the registration is not granted. */
  scopes: string[];
  labels: number;
  /** Only patients of these of the organisation's teams; null: of every team. */
  teams: string[] | null;
  /** The last day of access, YYYY-MM-DD in Europe/London; null: until revoked. */
  lastDay: string | null;
  reason: string | null;
};

export type Granted =
  | { outcome: 'granted'; connectionId: string; at: Date; scopes: string[] }
  | { outcome: 'already-connected'; connection: ViewedConnection }
  /** Unknown, or not live any more. */
  | { outcome: 'system-not-found' }
  /** The registration is not what was reviewed: it has to be reviewed again. */
  | { outcome: 'registration-changed' }
  | { outcome: 'nothing-granted' }
  | { outcome: 'last-day-past' }
  | RoleNeeded;

/**
 * Gives a third-party system access to the organisation's data. However often and by however many it is sent,
 * one connection stands and the others are told of it. Whole or not at all, and answered only when its audit
 * record is durable.
 */
export function createGrantAccess({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  return async function grantAccess(acting: Acting, grant: Grant): Promise<Granted> {
    const result = await asAdministrator(database.service, acting, (client) =>
      grantInside(client, acting, grant),
    );
    await audit.record({
      kind: 'page',
      interaction: 'grant',
      outcome: result.outcome === 'granted' ? 'allowed' : result.outcome,
      status: STATUS[result.outcome],
      ...acting,
      // A client ID that names nothing is whatever somebody typed: not for the log.
      clientId: result.outcome === 'system-not-found' ? undefined : grant.clientId,
      connectionId:
        result.outcome === 'granted'
          ? result.connectionId
          : result.outcome === 'already-connected'
            ? result.connection.id
            : undefined,
      // What was given belongs to the proof; the reason, being free text, does not.
      detail: result.outcome === 'granted' ? given(result, grant) : undefined,
    });
    return result;
  };
}

async function grantInside(client: ClientBase, acting: Acting, grant: Grant): Promise<Granted> {
  const system = await liveSystem(client, grant.clientId, { lock: true });
  if (!system) return { outcome: 'system-not-found' };
  const { organisationId } = acting;
  await settleExpired(client, { organisationId, clientId: grant.clientId });
  const standing = await standingConnection(client, organisationId, grant.clientId);
  if (standing) return { outcome: 'already-connected', connection: standing };
  if (reviewDigest(system) !== grant.reviewed) return { outcome: 'registration-changed' };
  const scopes = narrow(grant.scopes, system.scopes);
  const labels = grant.labels & EVERY_LABEL;
  const ours = grant.teams && (await teamsOf(client, organisationId)).map(({ id }) => id);
  const teams = ours?.filter((id) => grant.teams?.includes(id));
  if (scopes.length === 0 || labels === 0 || teams?.length === 0) return { outcome: 'nothing-granted' };

  const connectionId = newRootId();
  const { rows } = await client.query({
    name: 'connection-grant',
    text: GRANT,
    values: [
      connectionId,
      organisationId,
      grant.clientId,
      scopes,
      permissionsOf(scopes),
      labels,
      grant.reason,
      acting.accountId,
      grant.lastDay,
      teams,
    ],
  });
  const outcome = rows[0]?.outcome ?? 'already-connected';
  if (outcome === 'granted') return { outcome, connectionId, at: rows[0].at, scopes };
  if (outcome === 'last-day-past') return { outcome };
  // Somebody's grant was committed between the look and the insert: the unique index held this one back.
  const theirs = await standingConnection(client, organisationId, grant.clientId);
  if (!theirs) throw new Error('a connection stood in the way of a grant and cannot be found');
  return { outcome: 'already-connected', connection: theirs };
}

/**
 * The decision reads the newest connection, so a grant is always newer than those before it, even if the clock
 * was set back meanwhile. A last day is whole: access ends as the next day begins in the United Kingdom.
 */
const GRANT = `
  with wanted as (
    select greatest(clock_timestamp(), max(c.granted_at) + interval '1 microsecond') as at,
           ($9::date + 1)::timestamp at time zone 'Europe/London' as expires_at
      from connection c where c.organisation_id = $2 and c.client_id = $3
  ), granted as (
    insert into connection (id, organisation_id, client_id, status, scopes, permissions, labels, teams, reason,
                            granted_at, granted_by, expires_at)
    select $1, $2, $3, 'active', $4, $5, $6, $10::uuid[], $7, at, $8, expires_at
      from wanted where expires_at is null or expires_at > at
    on conflict (organisation_id, client_id) where status in ('active', 'suspended') do nothing
    returning id, granted_at
  ), noted as (
    insert into connection_event (id, connection_id, at, kind, account_id, detail)
    select gen_random_uuid(), id, granted_at, 'granted', $8, $7 from granted
  )
  select 'granted' as outcome, granted_at as at from granted
  union all
  select 'last-day-past', null from wanted where expires_at <= at`;

async function standingConnection(client: ClientBase, organisationId: string, clientId: string) {
  const connection = await latestConnection(client, organisationId, clientId);
  return connection && (connection.status === 'active' || connection.status === 'suspended')
    ? connection
    : null;
}

function given({ scopes }: { scopes: string[] }, { labels, teams, lastDay }: Grant): string {
  const limits = [
    labels !== EVERY_LABEL && `labels ${labelCodes(labels).join(' ')}`,
    teams && `teams ${teams.length}`,
    lastDay && `until ${lastDay}`,
  ];
  return [scopes.join(' '), ...limits.filter(Boolean)].join('; ');
}

const STATUS: Record<Granted['outcome'], number> = {
  granted: 303,
  'already-connected': 409,
  'system-not-found': 404,
  'registration-changed': 409,
  'nothing-granted': 400,
  'last-day-past': 400,
  'role-needed': 403,
};
