import type { ClientBase, Pool } from 'pg';
import type { ReviewedSystem } from './reviewed-system.ts';
import type { Status } from './standing.ts';

type Queryable = Pool | ClientBase;

/** A connection's state as a person is told it: `status` already counts an end date that has passed. */
const STATUS = `
  case when c.status in ('active', 'suspended') and c.expires_at <= clock_timestamp() then 'expired'
       else c.status end`;

const SYSTEM = `
  s.client_id as "clientId", s.name, p.name as company, s.purpose, s.contact_name as "contactName",
  s.contact_email as "contactEmail", s.privacy_notice_url as "privacyNoticeUrl", s.scopes`;

/** Live systems whose name, company's name or client ID is exactly this, but for case and white space. */
export async function systemsNamed(database: Queryable, text: string): Promise<ReviewedSystem[]> {
  const { rows } = await database.query({
    name: 'systems-named',
    // Standing is asked last and of every match, so a system that is not live costs what an unknown one does.
    text: `
      select ${SYSTEM}
        from (select client_id from system where search_key(client_id) = search_key($1)
              union select client_id from system where search_key(name) = search_key($1)
              union select s.client_id from company p join system s on s.company_id = p.id
                     where search_key(p.name) = search_key($1)) as found
        join system s on s.client_id = found.client_id
        join company p on p.id = s.company_id
       where s.standing = 'live'
       order by search_key(s.name), s.client_id`,
    values: [text],
  });
  return rows;
}

/** The live system with this client ID, or null; `lock` keeps its registration as it is until the commit. */
export async function liveSystem(
  database: Queryable,
  clientId: string,
  { lock = false } = {},
): Promise<ReviewedSystem | null> {
  const { rows } = await database.query({
    name: lock ? 'live-system-lock' : 'live-system',
    text: `select ${SYSTEM} from system s join company p on p.id = s.company_id
            where s.client_id = $1 and s.standing = 'live' ${lock ? 'for share of s' : ''}`,
    values: [clientId],
  });
  return rows[0] ?? null;
}

export type ListedConnection = {
  id: string;
  clientId: string;
  name: string;
  company: string;
  systemLive: boolean;
  status: Status;
  scopes: string[];
  grantedAt: Date;
  grantedBy: string | null;
  expiresAt: Date | null;
};

/** The organisation's newest connection to each system it has ever granted: one row a system, in no order. */
export async function latestConnections(
  database: Queryable,
  organisationId: string,
): Promise<ListedConnection[]> {
  const { rows } = await database.query({
    name: 'latest-connections',
    text: `
      select distinct on (c.client_id) c.id, c.client_id as "clientId", s.name, p.name as company,
             s.standing = 'live' as "systemLive", ${STATUS} as status, c.scopes, c.granted_at as "grantedAt",
             g.name as "grantedBy", c.expires_at as "expiresAt"
        from connection c
        join system s on s.client_id = c.client_id
        join company p on p.id = s.company_id
        left join account g on g.id = c.granted_by
       where c.organisation_id = $1
       order by c.client_id, c.granted_at desc`,
    values: [organisationId],
  });
  return rows;
}

export type ViewedConnection = ListedConnection &
  ReviewedSystem & {
    labels: number;
    /** null: patients of every team. */
    teams: string[] | null;
    teamNames: string[];
    reason: string | null;
    endedAt: Date | null;
    endedBy: string | null;
    endReason: string | null;
    /** The system's registered scopes; `scopes` are those granted. */
    registeredScopes: string[];
  };

/** One connection of this organisation; another's is null, as one that does not exist. */
export async function connectionOf(
  database: Queryable,
  organisationId: string,
  connectionId: string,
): Promise<ViewedConnection | null> {
  const { rows } = await database.query({
    name: 'connection-of',
    text: `
      select ${SYSTEM}, c.id, s.standing = 'live' as "systemLive", ${STATUS} as status,
             c.scopes, s.scopes as "registeredScopes", c.labels, c.teams,
             array(select t.name from team t where t.id = any(c.teams) order by lower(t.name)) as "teamNames",
             c.reason, c.granted_at as "grantedAt", g.name as "grantedBy", c.expires_at as "expiresAt",
             coalesce(c.ended_at, case when c.expires_at <= clock_timestamp() then c.expires_at end) as "endedAt",
             e.name as "endedBy", c.end_reason as "endReason"
        from connection c
        join system s on s.client_id = c.client_id
        join company p on p.id = s.company_id
        left join account g on g.id = c.granted_by
        left join account e on e.id = c.ended_by
       where c.organisation_id = $1 and c.id = $2`,
    values: [organisationId, connectionId],
  });
  return rows[0] ?? null;
}

export type HistoryEntry = {
  connectionId: string;
  at: Date;
  kind: 'granted' | 'narrowed' | 'suspended' | 'resumed' | 'revoked' | 'expired';
  by: string | null;
  detail: string | null;
};

/** All that ever happened between this organisation and this system, newest first. */
export async function historyOf(
  database: Queryable,
  organisationId: string,
  clientId: string,
): Promise<HistoryEntry[]> {
  const { rows } = await database.query({
    name: 'connection-history',
    text: `
      select e.connection_id as "connectionId", e.at, e.kind, a.name as by, e.detail
        from connection c
        join connection_event e on e.connection_id = c.id
        left join account a on a.id = e.account_id
       where c.organisation_id = $1 and c.client_id = $2
       order by c.granted_at desc, e.at desc, e.kind = 'granted'
       limit 500`,
    values: [organisationId, clientId],
  });
  return rows;
}

/** The newest connection of this organisation to this system, if there ever was one. */
export async function latestConnection(
  database: Queryable,
  organisationId: string,
  clientId: string,
): Promise<ViewedConnection | null> {
  const { rows } = await database.query({
    name: 'latest-connection-id',
    text: `select id from connection where organisation_id = $1 and client_id = $2
            order by granted_at desc limit 1`,
    values: [organisationId, clientId],
  });
  return rows[0] ? connectionOf(database, organisationId, rows[0].id) : null;
}
