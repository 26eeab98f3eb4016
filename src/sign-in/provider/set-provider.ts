import type { ClientBase, Pool } from 'pg';
import { odsCodeOf } from '../../directory/details.ts';
import { DirectoryError } from '../../directory/directory-error.ts';
import { newRootId } from '../../ids.ts';
import { seal } from '../seal.ts';
import { type Provider, providerOf, secretOfProvider } from './store.ts';

type Queryable = Pick<ClientBase | Pool, 'query'>;

export type ProviderDetails = {
  odsCode: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Which claim of the ID token shows a second factor, and the values of which it must have one. */
  secondFactor: { claim: 'acr' | 'amr'; values: string[] };
};

type Set = { provider: Provider; change: 'made' | 'changed' | 'replaced'; ended: number };

/**
 * Makes this the organisation's provider. With the issuer and client there are, people stay connected (a new secret, a
 * stricter claim); with others it is another provider, and everybody connects anew: a subject means something only to
 * its issuer, and may differ from client to client (OpenID Connect Core 1.0 section 8).
 * @param client in a transaction of the caller's.
 * @throws {DirectoryError} DETAILS_INVALID, ORGANISATION_UNKNOWN.
 */
export async function setProvider(
  client: Queryable,
  encryptionKey: Buffer,
  { clientId, clientSecret, secondFactor, ...details }: ProviderDetails,
  now: Date,
): Promise<Set> {
  const odsCode = odsCodeOf(details.odsCode);
  const issuer = issuerOf(details.issuer);
  if (!/^[\x21-\x7e]{1,255}$/.test(clientId)) throw invalid('The client ID must have 1 to 255 characters.');
  if (!/^[\x20-\x7e]{8,1000}$/.test(clientSecret)) {
    throw invalid('The client secret must be one line of 8 to 1,000 ASCII characters.');
  }
  // Of two that set one organisation's provider at once, one waits here.
  const { rows } = await client.query('select id from organisation where ods_code = $1 for update', [
    odsCode,
  ]);
  if (!rows[0]) {
    throw new DirectoryError(
      'ORGANISATION_UNKNOWN',
      `There is no organisation with the ODS code ${odsCode}.`,
    );
  }
  const before = await providerOf(client, { odsCode });
  const same = before?.issuer === issuer && before.clientId === clientId;
  const id = same ? before.id : newRootId();
  const ended = before && !same ? await end(client, before, now) : 0;
  const sealed = seal(encryptionKey, secretOfProvider(id), Buffer.from(clientSecret));
  await client.query(SET, [
    id,
    rows[0].id,
    issuer,
    clientId,
    sealed,
    secondFactor.claim,
    secondFactor.values,
    now,
  ]);
  const provider = (await providerOf(client, { odsCode }))!;
  return { provider, change: same ? 'changed' : before ? 'replaced' : 'made', ended };
}

/**
 * Ends the organisation's provider at once: its people sign in with their passwords, and sessions it vouched for end.
 * @throws {DirectoryError} DETAILS_INVALID, IDENTITY_PROVIDER_UNKNOWN.
 */
export async function removeProvider(
  client: Queryable,
  odsCode: string,
  now: Date,
): Promise<{ provider: Provider; ended: number }> {
  const provider = await standingProvider(client, odsCode);
  return { provider, ended: await end(client, provider, now) };
}

/** @throws {DirectoryError} DETAILS_INVALID, IDENTITY_PROVIDER_UNKNOWN. */
export async function standingProvider(database: Queryable, typed: string): Promise<Provider> {
  const odsCode = odsCodeOf(typed);
  const provider = await providerOf(database, { odsCode });
  if (!provider) {
    const text = `No organisation with the ODS code ${odsCode} has an identity provider.`;
    throw new DirectoryError('IDENTITY_PROVIDER_UNKNOWN', text);
  }
  return provider;
}

/** How many people were connected. */
async function end(client: Queryable, { id }: Provider, now: Date): Promise<number> {
  const { rows } = await client.query(END, [id, now]);
  return rows[0].ended;
}

const SET = `
insert into identity_provider (id, organisation_id, issuer, client_id, sealed_secret, second_factor_claim,
                               second_factor_values, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
on conflict (id) do update
  set sealed_secret = $5, second_factor_claim = $6, second_factor_values = $7, changed_at = $8`;

const END = `
with provider as (update identity_provider set ended_at = $2 where id = $1 and ended_at is null returning id),
people as (
  update staff_identity set ended_at = $2 where provider_id in (select id from provider) and ended_at is null
  returning id),
sessions as (update staff_session set ended_at = $2 where ended_at is null and identity_id in (select id from people))
select count(*)::int as ended from people`;

/** As it stands in tokens, letter for letter (OpenID Connect Core 1.0 section 2). */
function issuerOf(text: string): string {
  const url = URL.parse(text);
  const plain = url && !url.username && !url.password && !url.search && !url.hash && text.length <= 1000;
  if (!plain || !/^https?:$/.test(url.protocol) || /[\s?#]/.test(text)) {
    throw invalid('The issuer must be an https:// address without user, password, query or fragment.');
  }
  return text;
}

const invalid = (message: string) => new DirectoryError('DETAILS_INVALID', message);
