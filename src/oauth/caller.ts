import type { JWK } from 'jose';
import { decoyKey } from './decoy-keys.ts';
import type { Credentials } from './read-credentials.ts';
import type { RefreshKeys } from './refresh-keys.ts';
import { registeredKey } from './registered-key.ts';
import type { System } from './store.ts';

/** Who asks, with all that the provider needs to prove it. */
export type Caller = Credentials & {
  /** Hashes of its live secrets. */
  secrets: Buffer[];
  /** The one key that its assertion names. */
  key: JWK | undefined;
};

/**
 * Gathers what proves a caller, and proves nothing itself. Without a system (it is unknown, not live, or registered for
 * another method) the caller is handed on all the same, with no secret and a key that fits no signature, so that it
 * fails by the same work as a wrong secret or key.
 */
export async function callerOf(
  credentials: Credentials,
  system: System | undefined,
  refreshKeys: RefreshKeys,
): Promise<Caller> {
  const caller = { ...credentials, secrets: system?.secrets ?? [] };
  if (credentials.method !== 'private_key_jwt') return { ...caller, key: undefined };
  const { clientId, header } = credentials;
  const { alg, kid = '', jku } = header;
  const key = system && (await registeredKey({ clientId, kid, jku }, system, refreshKeys));
  return { ...caller, key: key ?? decoyKey(alg, kid) };
}
