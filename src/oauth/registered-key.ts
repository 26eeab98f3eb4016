import type { JWK } from 'jose';
import type { RefreshKeys } from './refresh-keys.ts';
import type { System } from './store.ts';

/**
 * The one key that an assertion's `kid` names among those its system registered. None, or more than one, is no key
 * (SMART App Launch 2, "Client Authentication: Asymmetric"). Keys behind a URL are fetched when the copy is no longer
 * fresh or does not know the `kid`; while the vendor's server is away the last good copy, at most a day old, serves.
 */
export async function registeredKey(
  { clientId, kid, jku }: { clientId: string; kid: string; jku: string | undefined },
  system: System,
  refreshKeys: RefreshKeys,
): Promise<JWK | undefined> {
  // A header may only repeat the registered address; whose keys count is never the caller's choice.
  if (jku !== undefined && jku !== system.jwksUri) return undefined;
  if (system.jwksUri === null) return onlyKey(system.jwks, kid);

  const known = onlyKey(system.fetched, kid);
  if (known && system.fetchedIsFresh) return known;
  const refreshed = await refreshKeys(clientId, system.jwksUri);
  return refreshed ? onlyKey(refreshed, kid) : known;
}

function onlyKey(set: { keys: JWK[] } | null, kid: string): JWK | undefined {
  const matches = set?.keys.filter((key) => key.kid === kid) ?? [];
  return matches.length === 1 ? matches[0] : undefined;
}
