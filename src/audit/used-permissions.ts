import type { ClientBase, Pool } from 'pg';

/** So many days back, and of these so many of the newest calls: what the page may cost is bounded. */
export const USED_DAYS = 90;
const CALLS_MAX = 20_000;

export type UsedPermissions = {
  /** For each permission (`Observation.r`, `Patient.$status-query`) when it was last made use of. */
  lastUsed: Map<string, Date>;
  /** How far back was looked. */
  since: Date;
};

/**
 * What a connection has made use of lately, so that what it does not need is seen.
 */
export async function usedPermissions(
  client: Pool | ClientBase,
  connectionId: string,
): Promise<UsedPermissions> {
  const { rows } = await client.query<Used>({
    name: 'audit used permissions',
    text: `
      with calls as materialized (
        select interaction, resource_type, at, query like 'if-none-exist=%' as conditional from audit_record
         where connection_id = $1 and kind = 'fhir' and outcome = 'allowed' and interaction <> 'notify'
           and at >= now() - make_interval(days => $2)
         order by at desc limit $3)
      select c.interaction, c.resource_type as type, c.conditional, max(c.at) as at, s.since
        from (select case when count(*) < $3 then now() - make_interval(days => $2) else min(at) end as since
                from calls) s
        left join calls c on c.resource_type is not null
       group by c.interaction, c.resource_type, c.conditional, s.since`,
    values: [connectionId, USED_DAYS, CALLS_MAX],
  });
  const lastUsed = new Map<string, Date>();
  for (const { interaction, type, conditional, at } of rows) {
    for (const access of [...accessOf(interaction ?? '', type), ...(conditional ? ['s'] : [])]) {
      const permission = `${type}.${access}`;
      if (!(lastUsed.get(permission)! > at)) lastUsed.set(permission, at);
    }
  }
  return { lastUsed, since: rows[0]!.since };
}

type Used = {
  interaction: string | null;
  type: string;
  /** It looked for what is there before it created. */
  conditional: boolean | null;
  at: Date;
  since: Date;
};

/** What a call needed. The operations on a Subscription are covered by the permissions to read and to change it. */
function accessOf(interaction: string, type: string): readonly string[] {
  if (!interaction.startsWith('$')) return LETTERS[interaction] ?? [];
  if (type !== 'Subscription') return [interaction];
  return [interaction === '$redeliver' ? 'u' : 'r'];
}

const LETTERS: Record<string, readonly string[] | undefined> = {
  __proto__: null as never,
  read: ['r'],
  vread: ['r'],
  'history-instance': ['r'],
  'search-type': ['s'],
  create: ['c'],
  update: ['u'],
  // It looks for what it is to change.
  'update-conditional': ['u', 's'],
  delete: ['d'],
};
