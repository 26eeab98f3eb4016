import type { JWK } from 'jose';
import type { Pool } from 'pg';
import type { AuthMethod } from './endpoints.ts';

export type Store = ReturnType<typeof createStore>;

/** A live system, as far as proving who it is and narrowing what it may have need it. */
export type System = {
  scopes: string[];
  /** Hashes of its live secrets, newest first. */
  secrets: Buffer[];
  jwks: { keys: JWK[] } | null;
  jwksUri: string | null;
  fetched: { keys: JWK[] } | null;
  fetchedIsFresh: boolean;
};

export type Found = { system: System | undefined; known: boolean; blockedForS: number | undefined };

export type NewToken = {
  hash: Buffer;
  clientId: string;
  scopes: string[];
  permissions: string[];
  /** Public id or ODS code, well formed; undefined: for any organisation. */
  organisation: string | undefined;
  seconds: number;
};

export type StoredToken = {
  clientId: string;
  scopes: string[];
  organisationId: string | null;
  iat: number;
  exp: number;
};

/** The statements of the authorization server. Times are the database's, so that every process agrees on them. */
export function createStore(pool: Pick<Pool, 'query'>) {
  /**
   * One round trip for all that authentication needs. A system that is unknown, not live, or registered for
   * another method is no system, and is found missing by the same work.
   */
  async function findCaller(clientId: string, method: AuthMethod, attemptSubject: Buffer): Promise<Found> {
    const { rows } = await pool.query({
      name: 'oauth-find-caller',
      text: FIND_CALLER,
      values: [clientId, method, attemptSubject],
    });
    const { scopes, known, blocked_for_s, ...row } = rows[0];
    return {
      known,
      blockedForS: blocked_for_s ?? undefined,
      system: scopes && {
        scopes,
        secrets: row.secrets,
        jwks: row.jwks,
        jwksUri: row.jwks_uri,
        fetched: row.fetched,
        fetchedIsFresh: row.fetched_is_fresh,
      },
    };
  }

  /** @returns the organisation the token is bound to (null: none), or undefined when there is no such organisation. */
  async function insertToken(token: NewToken): Promise<{ organisationId: string | null } | undefined> {
    const { hash, clientId, scopes, permissions, seconds, organisation } = token;
    const values = [hash, clientId, scopes, permissions, seconds];
    const { rows } = organisation
      ? await pool.query({
          name: 'oauth-insert-bound-token',
          text: INSERT_BOUND,
          values: [...values, organisation],
        })
      : await pool.query({ name: 'oauth-insert-token', text: INSERT_TOKEN, values });
    return rows[0] && { organisationId: rows[0].organisation_id };
  }

  /** A token that lives: not expired, not revoked, its system live. */
  async function findToken(hash: Buffer): Promise<StoredToken | undefined> {
    const { rows } = await pool.query({ name: 'oauth-find-token', text: FIND_TOKEN, values: [hash] });
    const [row] = rows;
    return (
      row && {
        clientId: row.client_id,
        scopes: row.scopes,
        organisationId: row.organisation_id,
        iat: row.iat,
        exp: row.exp,
      }
    );
  }

  async function deleteToken(hash: Buffer, clientId: string): Promise<void> {
    const text = 'delete from access_token where token_hash = $1 and client_id = $2';
    await pool.query({ name: 'oauth-delete-token', text, values: [hash, clientId] });
  }

  /** True for the first of all processes that uses this assertion: the primary key decides, so there is no race. */
  async function useAssertion(clientId: string, jtiHash: Buffer, expiresAtS: number): Promise<boolean> {
    const { rowCount } = await pool.query({
      name: 'oauth-use-assertion',
      text: 'insert into used_assertion (client_id, jti_hash, expires_at) values ($1, $2, to_timestamp($3)) on conflict do nothing',
      values: [clientId, jtiHash, expiresAtS],
    });
    return rowCount === 1;
  }

  return { findCaller, insertToken, findToken, deleteToken, useAssertion };
}

const FIND_CALLER = `
select exists (select from system k where k.client_id = $1) as known, s.scopes, s.jwks, s.jwks_uri,
       f.jwks as fetched, coalesce(f.fresh_until > now(), false) as fetched_is_fresh,
       array(select c.secret_hash from system_secret c
              where c.client_id = s.client_id and c.ended_at is null and (c.expires_at is null or c.expires_at > now())
              order by c.created_at desc limit 2) as secrets,
       (select ceil(extract(epoch from a.blocked_until - now()))::integer from attempt a
         where a.purpose = 'token' and a.subject = $3 and a.blocked_until > now()) as blocked_for_s
  from (select) as one
  left join system s on s.client_id = $1 and s.standing = 'live' and s.auth_method = $2
  left join fetched_jwks f on f.client_id = s.client_id and f.fetched_at > now() - interval '24 hours'`;

// A token that a crash of the database loses is asked for again, so its commit need not wait for the disk: the
// setting ends with the statement's transaction. Revoking one does wait.
const INSERT = `
insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at, organisation_id)
select $1, $2, $3, $4, now(), now() + make_interval(secs => $5)`;
const INSERT_TOKEN = `${INSERT}, null from set_config('synchronous_commit', 'off', true) returning organisation_id`;
const INSERT_BOUND = `${INSERT}, o.id from set_config('synchronous_commit', 'off', true), organisation o
 where o.id::text = $6 or o.ods_code = $6 returning organisation_id`;

const FIND_TOKEN = `
select t.client_id, t.scopes, t.organisation_id,
       floor(extract(epoch from t.issued_at))::bigint as iat, floor(extract(epoch from t.expires_at))::bigint as exp
  from access_token t join system s on s.client_id = t.client_id
 where t.token_hash = $1 and t.expires_at > now() and s.standing = 'live'`;
