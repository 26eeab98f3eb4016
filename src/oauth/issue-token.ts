import { OAuthError } from './oauth-error.ts';
import { organisationOf } from './resource-indicator.ts';
import { narrow, permissionsOf } from './scopes.ts';
import type { Store, System } from './store.ts';
import { newToken, tokenHash } from './token-hash.ts';

/** How long a token lives, seconds (SMART App Launch 2, "Backend Services": at most 300). */
export const TOKEN_SECONDS = 300;

export type IssuedToken = { access_token: string; token_type: 'Bearer'; expires_in: number; scope: string };

/**
 * Gives a system a token for what it asks and is registered for, bound to one organisation if `resource` names one.
 * Whether an organisation has granted anything is not asked here: each FHIR call asks it, so that a revoke needs no
 * token to expire.
 * @throws {OAuthError} invalid_scope, invalid_target.
 */
export async function issueToken(
  { store, baseUrl }: { store: Pick<Store, 'insertToken'>; baseUrl: string },
  { clientId, system }: { clientId: string; system: System },
  { scope, resource }: { scope: string | undefined; resource: string | undefined },
): Promise<{ token: IssuedToken; organisationId: string | null }> {
  const scopes = narrow(readScope(scope), system.scopes);
  if (scopes.length === 0) {
    throw new OAuthError(
      'invalid_scope',
      'none of the scopes asked for is one that this system is registered for',
    );
  }
  const organisation = resource === undefined ? undefined : organisationOf(resource, baseUrl);
  if (resource !== undefined && organisation === undefined) throw noSuchTarget();

  const value = newToken();
  const inserted = await store.insertToken({
    hash: tokenHash(value),
    clientId,
    scopes,
    permissions: permissionsOf(scopes),
    organisation,
    seconds: TOKEN_SECONDS,
  });
  if (!inserted) throw noSuchTarget();
  return {
    token: { access_token: value, token_type: 'Bearer', expires_in: TOKEN_SECONDS, scope: scopes.join(' ') },
    organisationId: inserted.organisationId,
  };
}

/** Nothing asked is nothing given: a token for "everything" by leaving a parameter out is how clients get too much. */
function readScope(scope: string | undefined): string[] {
  const asked = (scope ?? '').split(' ').filter(Boolean);
  if (asked.length > 0) return asked;
  throw new OAuthError('invalid_scope', 'ask for the scopes you need, for example scope=system/Patient.rs');
}

const noSuchTarget = () =>
  new OAuthError('invalid_target', "resource must be an organisation's FHIR base on this service");
