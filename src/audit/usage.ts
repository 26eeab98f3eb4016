import type { ClientBase, Pool } from 'pg';

export type LastUsed = { called: Date | null; told: Date | null };

/**
 * When each connection's system last got what it asked for, and when it was last sent a notification; connections never
 * used are not in the map.
 */
export async function lastUsed(
  client: Queryable,
  connectionIds: readonly string[],
): Promise<Map<string, LastUsed>> {
  const { rows } = await client.query<LastUsed & { id: string }>({
    name: 'audit last used',
    // One step into each index for each connection, however many records it has.
    text: `
      select wanted.id, ${last('wanted.id', CALLED)} as called, ${last('wanted.id', TOLD)} as told
        from unnest($1::uuid[]) as wanted (id)`,
    values: [connectionIds],
  });
  return new Map(
    rows.flatMap(({ id, called, told }) => (called || told ? [[id, { called, told }] as const] : [])),
  );
}

export type CallsSummary = {
  /** In the last 7 days, allowed and refused; of these, refused. */
  callsInWeek: number;
  refusedInWeek: number;
  /** Notifications that we sent it, however often each was tried. */
  toldInWeek: number;
  /** Of all time. */
  lastCall: Date | null;
  lastAllowed: Date | null;
  lastTold: Date | null;
};

/** How much a connection is used: what would stop with it. */
export async function callsSummary(client: Queryable, connectionId: string): Promise<CallsSummary> {
  const { rows } = await client.query<CallsSummary>({
    name: 'audit calls summary',
    text: `
      select
        (called.count + refused.count)::integer as "callsInWeek",
        refused.count::integer as "refusedInWeek",
        told.count::integer as "toldInWeek",
        greatest(called.last, refused.last) as "lastCall",
        called.last as "lastAllowed",
        told.last as "lastTold"
      from (${inWeek('*', CALLED)}) called, (${inWeek('*', REFUSED)}) refused,
           (${inWeek('distinct request_id', TOLD)}) told`,
    values: [connectionId],
  });
  return rows[0]!;
}

/** A connection's records are of three kinds, each with an index of its own (migration 0036). */
const CALLED = `kind = 'fhir' and outcome = 'allowed' and interaction <> 'notify'`;
const TOLD = `kind = 'fhir' and outcome = 'allowed' and interaction = 'notify'`;
const REFUSED = `kind = 'fhir' and outcome <> 'allowed'`;

const last = (connection: string, which: string) =>
  `(select at from audit_record where connection_id = ${connection} and ${which} order by at desc limit 1)`;

const inWeek = (counted: string, which: string) => `
  select count(${counted}) as count, ${last('$1', which)} as last
    from audit_record where connection_id = $1 and ${which} and at >= now() - interval '7 days'`;

/** One FHIR call, or one notification that was sent (`notify`), as an administrator may see it. */
export type Call = {
  /** Where the list goes on: hand it to `latestCalls` as `before`. */
  cursor: string;
  at: Date;
  requestId: string;
  interaction: string;
  /** 'allowed' or a refusal code of docs/errors.md. */
  outcome: string;
  status: number;
  resourceType: string | null;
  resourceId: string | null;
  query: string | null;
  patientCount: number;
  count: number | null;
  bytes: number | null;
  address: string | null;
};

/**
 * A connection's calls and notifications, newest first, refused ones with their code; also those refused after it ended.
 * @param before the `cursor` of the last call already shown. One that is none of ours gives no calls.
 */
export async function latestCalls(
  client: Queryable,
  connectionId: string,
  limit = 50,
  before?: string,
): Promise<Call[]> {
  const from = before === undefined ? NEWEST : CURSOR.exec(before)?.slice(1);
  if (!from) return [];
  const { rows } = await client.query<Call>({
    name: 'audit latest calls',
    text: LATEST_CALLS,
    values: [connectionId, limit, ...from],
  });
  return rows;
}

type Queryable = Pool | ClientBase;

/** Microseconds since 1970, chain and sequence: times alone are shared by several calls. */
const CURSOR = /^(\d{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,15})$/;
const NEWEST = [String(Date.UTC(9999, 0) * 1000), 'ffffffff-ffff-ffff-ffff-ffffffffffff', '0'];

/** Each part comes from its index in order and stops after so many, whatever the others hold. */
const latest = (which: string) => `
  (select * from audit_record
    where connection_id = $1 and ${which}
      and at <= 'epoch'::timestamptz + $3 * interval '1 microsecond'
      and (at, chain, sequence) < ('epoch'::timestamptz + $3 * interval '1 microsecond', $4::uuid, $5::bigint)
    order by at desc, chain desc, sequence desc limit $2)`;

const LATEST_CALLS = `
  select (extract(epoch from at) * 1000000)::bigint || '.' || chain || '.' || sequence as cursor,
         at, request_id as "requestId", interaction, outcome, status, resource_type as "resourceType",
         resource_id as "resourceId", query, case outcome when 'allowed' then coalesce(cardinality(patients), 0) else 0 end as "patientCount", count, bytes, address
    from (${[CALLED, TOLD, REFUSED].map(latest).join(' union all ')}) calls
   order by calls.at desc, chain desc, sequence desc limit $2`;
