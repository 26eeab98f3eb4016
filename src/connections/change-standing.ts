import type { ClientBase, Pool } from 'pg';
import type { Acting } from './acting.ts';
import type { Status } from './standing.ts';
import type { HistoryEntry } from './store.ts';
import { connectionOf, historyOf } from './store.ts';

export type Change = {
  connectionId: string;
  from: Status[];
  to: Status;
  kind: 'suspended' | 'resumed' | 'revoked';
  reason: string | null;
};

export type Changed = { outcome: 'changed'; connectionId: string; clientId: string; at: Date };
/** Nothing was changed: the connection is as `last` left it. */
export type Unchanged = {
  outcome: 'unchanged';
  connectionId: string;
  clientId: string;
  name: string;
  status: Status;
  last: HistoryEntry | null;
};
export type NotFound = { outcome: 'not-found' };

/**
 * Moves a connection from one state to another and notes who did it and when, in one statement: of any number
 * who try at once, one changes it and the others find it changed. An end date that has passed is a state of its
 * own that nothing leads out of.
 */
export async function changeStanding(
  client: ClientBase,
  acting: Acting,
  change: Change,
): Promise<Changed | Unchanged | NotFound> {
  const { rows } = await client.query({
    name: 'connection-change',
    text: CHANGE,
    values: [
      change.connectionId,
      acting.organisationId,
      change.from,
      change.to,
      change.kind,
      acting.accountId,
      change.reason,
    ],
  });
  if (rows[0]) return { outcome: 'changed', connectionId: change.connectionId, ...rows[0] };
  const connection = await connectionOf(client, acting.organisationId, change.connectionId);
  if (!connection) return { outcome: 'not-found' };
  const history = await historyOf(client, acting.organisationId, connection.clientId);
  return {
    outcome: 'unchanged',
    connectionId: connection.id,
    clientId: connection.clientId,
    name: connection.name,
    status: connection.status,
    last: history.find((entry) => entry.connectionId === connection.id) ?? null,
  };
}

const CHANGE = `
  with changed as (
    update connection c
       set status = $4,
           ended_at = case when $4 = 'revoked' then clock_timestamp() end,
           ended_by = case when $4 = 'revoked' then $6::uuid end,
           end_reason = case when $4 = 'revoked' then $7 end
     where c.id = $1 and c.organisation_id = $2 and c.status = any($3)
       and (c.expires_at is null or c.expires_at > clock_timestamp())
    returning c.id, c.client_id)
  insert into connection_event (id, connection_id, at, kind, account_id, detail)
  select gen_random_uuid(), id, clock_timestamp(), $5, $6::uuid, $7 from changed
  returning (select client_id from changed) as "clientId", at`;

/**
 * Marks as expired, with its place in the history, every connection whose end date has passed; of one
 * organisation and system when told. The decision does not wait for this.
 */
export async function settleExpired(
  database: Pool | ClientBase,
  only?: { organisationId: string; clientId: string },
): Promise<number> {
  const { rowCount } = await database.query({
    name: 'connections-expire',
    text: `
      with ended as (
        update connection set status = 'expired', ended_at = expires_at
         where status in ('active', 'suspended') and expires_at <= clock_timestamp()
           and ($1::uuid is null or organisation_id = $1 and client_id = $2)
        returning id, expires_at)
      insert into connection_event (id, connection_id, at, kind)
      select gen_random_uuid(), id, expires_at, 'expired' from ended`,
    values: [only?.organisationId ?? null, only?.clientId ?? null],
  });
  return rowCount ?? 0;
}
