import type { ClientBase, Pool } from 'pg';

type Queryable = Pick<ClientBase | Pool, 'query'>;

/** An organisation's OpenID Connect provider, as it stands now. */
export type Provider = {
  id: string;
  organisationId: string;
  organisationName: string;
  odsCode: string;
  issuer: string;
  clientId: string;
  sealedSecret: Buffer;
  secondFactorClaim: 'acr' | 'amr';
  secondFactorValues: string[];
  createdAt: Date;
  changedAt: Date;
};

const PROVIDER = `
  select p.id, p.organisation_id as "organisationId", o.name as "organisationName", o.ods_code as "odsCode",
         p.issuer, p.client_id as "clientId", p.sealed_secret as "sealedSecret",
         p.second_factor_claim as "secondFactorClaim", p.second_factor_values as "secondFactorValues",
         p.created_at as "createdAt", p.changed_at as "changedAt"
    from identity_provider p join organisation o on o.id = p.organisation_id
   where p.ended_at is null and `;

/** What a provider's sealed secret is bound to. */
export const secretOfProvider = (id: string): string => `identity provider ${id}`;

export async function providerOf(
  database: Queryable,
  where: { odsCode: string } | { organisationId: string } | { id: string },
): Promise<Provider | null> {
  const [[by, value] = []] = Object.entries(where);
  const column = { odsCode: 'o.ods_code', organisationId: 'p.organisation_id', id: 'p.id' }[by!];
  const { rows } = await database.query({
    name: `provider-by-${by}`,
    text: `${PROVIDER} ${column} = $1`,
    values: [value],
  });
  return rows[0] ?? null;
}

/** Whether any organisation has a provider: else nobody is asked for theirs. */
export async function hasProviders(database: Queryable): Promise<boolean> {
  const { rows } = await database.query({
    name: 'providers-any',
    text: 'select exists (select from identity_provider where ended_at is null) as any',
  });
  return rows[0].any;
}

/** How many people are connected with a provider. */
export async function countIdentities(database: Queryable, providerId: string): Promise<number> {
  const { rows } = await database.query({
    name: 'identities-count',
    text: 'select count(*)::int as n from staff_identity where provider_id = $1 and ended_at is null',
    values: [providerId],
  });
  return rows[0].n;
}

/** The account a subject of a standing provider is tied to, and that this was used; null when it is nobody's. */
export async function useIdentity(
  database: Queryable,
  { providerId, subject, now }: { providerId: string; subject: string; now: Date },
): Promise<{ identityId: string; accountId: string } | null> {
  const { rows } = await database.query({
    name: 'identity-use',
    text: `update staff_identity i set last_used_at = $3
             from identity_provider p
            where i.provider_id = $1 and i.subject = $2 and i.ended_at is null
              and p.id = i.provider_id and p.ended_at is null
           returning i.id as "identityId", i.account_id as "accountId"`,
    values: [providerId, subject, now],
  });
  return rows[0] ?? null;
}

export type Identity = {
  id: string;
  accountId: string;
  label: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
};

/** How the provider of an organisation knows an account. */
export async function identityOf(
  database: Queryable,
  { accountId, organisationId }: { accountId: string; organisationId: string },
): Promise<Identity | null> {
  const { rows } = await database.query({
    name: 'identity-of',
    text: `select i.id, i.account_id as "accountId", i.label, i.created_at as "createdAt",
                  i.last_used_at as "lastUsedAt"
             from staff_identity i join identity_provider p on p.id = i.provider_id
            where i.account_id = $1 and p.organisation_id = $2 and i.ended_at is null and p.ended_at is null`,
    values: [accountId, organisationId],
  });
  return rows[0] ?? null;
}

/**
 * Ties a subject to an account that has a role in the provider's organisation. Whatever stands already stands: a
 * subject's other account, and an account's other subject.
 */
export async function connectIdentity(
  database: Queryable,
  tie: {
    id: string;
    providerId: string;
    subject: string;
    label: string | null;
    accountId: string;
    now: Date;
    /** The session that asks, as stored: nothing is tied once it has ended. Null: nobody's. */
    sessionHash: Buffer | null;
  },
): Promise<'connected' | 'taken' | 'gone'> {
  const { rows } = await database.query({
    name: 'identity-connect',
    text: `
      with session as (
        select from staff_session where id_hash = $7 and ended_at is null for share),
      provider as (
        select p.id from identity_provider p join staff_role r on r.organisation_id = p.organisation_id
         where p.id = $2 and p.ended_at is null and r.account_id = $5 and r.ended_at is null
           and ($7::bytea is null or exists (select from session))
           for share of p),
      made as (
        insert into staff_identity (id, provider_id, subject, label, account_id, created_at)
        select $1, id, $3, $4, $5, $6 from provider on conflict do nothing returning id)
      select exists (select from provider) as standing, exists (select from made) as made`,
    values: [tie.id, tie.providerId, tie.subject, tie.label, tie.accountId, tie.now, tie.sessionHash],
  });
  if (!rows[0].standing) return 'gone';
  return rows[0].made ? 'connected' : 'taken';
}

/** Ends how an organisation's provider knows an account, and every session that it vouched for. */
export async function endIdentity(
  database: Queryable,
  { accountId, organisationId, now }: { accountId: string; organisationId: string; now: Date },
): Promise<boolean> {
  const { rows } = await database.query({
    name: 'identity-end',
    text: `
      with ended as (
        update staff_identity i set ended_at = $3 from identity_provider p
         where p.id = i.provider_id and p.organisation_id = $2 and i.account_id = $1 and i.ended_at is null
        returning i.id),
      sessions as (
        update staff_session set ended_at = $3 where ended_at is null and identity_id in (select id from ended))
      select count(*)::int as n from ended`,
    values: [accountId, organisationId, now],
  });
  return rows[0].n > 0;
}
