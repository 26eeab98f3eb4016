import type { ClientBase, Pool } from 'pg';

type Queryable = Pick<ClientBase | Pool, 'query'>;

type Pairing = { id: string; accountId: string };

type NewPairing = {
  id: string;
  organisationId: string;
  source: string;
  userKey: Buffer;
  userName: string;
  accountId: string;
  deviceId: string;
  method: 'sign-in' | 'codes';
  /** The person was asked because their link had been used elsewhere. */
  answers: boolean;
  now: Date;
};

/**
 * Ties the user to the account, or adds the device to the tie there is. Of two accounts that claim one user at once
 * the first has it: 'other-account'.
 */
export async function confirmPairing(
  client: Queryable,
  made: NewPairing,
): Promise<{ outcome: 'paired' | 'device-added'; pairingId: string } | { outcome: 'other-account' }> {
  const inserted = await client.query({
    name: 'launch-pairing-insert',
    text: `insert into launch_pairing (id, organisation_id, source, user_key, user_name, account_id, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (user_key) where ended_at is null do nothing`,
    values: [
      made.id,
      made.organisationId,
      made.source,
      made.userKey,
      made.userName,
      made.accountId,
      made.now,
    ],
  });
  const { rows } = await client.query({
    name: 'launch-pairing-standing',
    text: `select id, account_id as "accountId" from launch_pairing
            where user_key = $1 and ended_at is null for share`,
    values: [made.userKey],
  });
  const standing = rows[0] as Pairing | undefined;
  if (!standing || standing.accountId !== made.accountId) return { outcome: 'other-account' };
  await client.query({
    name: 'launch-pairing-device',
    text: `insert into launch_pairing_device as l (pairing_id, device_id, confirmed_at, method, last_used_at, answered_at)
           values ($1, $2, $3, $4, $3, $5)
           on conflict (pairing_id, device_id) do update set
             confirmed_at = $3, method = $4, last_used_at = $3, answered_at = coalesce($5, l.answered_at)`,
    values: [standing.id, made.deviceId, made.now, made.method, made.answers ? made.now : null],
  });
  return { outcome: inserted.rowCount === 1 ? 'paired' : 'device-added', pairingId: standing.id };
}

export type ListedPairing = {
  id: string;
  source: string;
  sourceName: string | null;
  userName: string;
  accountName: string;
  createdAt: Date;
  endedAt: Date | null;
  endReason: string | null;
  lastUsed: Date | null;
  devices: { id: string; confirmedAt: string; lastUsed: string | null; userAgent: string | null }[];
};

/** So many are listed; the others are found by name. */
export const LISTED_MAX = 200;

/** Pairings of an organisation, of one account there, of whom a name is like this, or one: the live ones first. */
export async function listPairings(
  database: Queryable,
  organisationId: string,
  {
    accountId = null,
    like = '',
    id = null,
  }: { accountId?: string | null; like?: string; id?: string | null },
): Promise<ListedPairing[]> {
  const { rows } = await database.query({
    name: 'launch-pairings',
    text: `
      select p.id, p.source, s.name as "sourceName", p.user_name as "userName", a.name as "accountName",
             p.created_at as "createdAt", p.ended_at as "endedAt", p.end_reason as "endReason",
             max(l.last_used_at) as "lastUsed",
             coalesce(json_agg(json_build_object('id', d.id, 'confirmedAt', l.confirmed_at,
                                                 'lastUsed', l.last_used_at, 'userAgent', d.user_agent)
                               order by l.confirmed_at) filter (where d.ended_at is null and d.id is not null),
                      '[]') as devices
        from launch_pairing p
        join account a on a.id = p.account_id
        left join system s on s.client_id = p.source
        left join launch_pairing_device l on l.pairing_id = p.id
        left join launch_device d on d.id = l.device_id
       where p.organisation_id = $1 and ($2::uuid is null or p.account_id = $2)
         and (p.ended_at is null or p.ended_at > now() - interval '30 days')
         and ($3::uuid is null or p.id = $3)
         and ($4 = '' or position(lower($4) in lower(a.name)) > 0 or position(lower($4) in lower(p.user_name)) > 0)
       group by p.id, s.name, a.name
       order by p.ended_at is not null, a.name, p.created_at limit ${LISTED_MAX}`,
    values: [organisationId, accountId, id, like],
  });
  return rows;
}

/** Ends a pairing of the organisation; with `accountId` only that account's own. */
export async function endPairing(
  database: Queryable,
  ending: {
    id: string;
    organisationId: string;
    accountId: string | null;
    by: string;
    reason: 'ended-by-person' | 'ended-by-administrator';
    now: Date;
  },
): Promise<{ accountId: string } | null> {
  const { rows } = await database.query({
    name: 'launch-pairing-end',
    text: `update launch_pairing set ended_at = $6, ended_by = $4, end_reason = $5
            where id = $1 and organisation_id = $2 and ($3::uuid is null or account_id = $3) and ended_at is null
           returning account_id as "accountId"`,
    values: [ending.id, ending.organisationId, ending.accountId, ending.by, ending.reason, ending.now],
  });
  return rows[0] ?? null;
}
