import type { Attempts } from './attempts.ts';
import { assertionFault } from './check-assertion.ts';
import { decoyKey } from './decoy-keys.ts';
import { later } from './oauth-error.ts';
import type { Caller } from './provider.ts';
import type { Credentials } from './read-credentials.ts';
import type { RefreshKeys } from './refresh-keys.ts';
import { registeredKey } from './registered-key.ts';
import type { Store, System } from './store.ts';

export type Identified = { caller: Caller; system: System | undefined; known: boolean; subject: Buffer };

type Needs = {
  store: Store;
  attempts: Attempts;
  refreshKeys: RefreshKeys;
  audiences: readonly string[];
  now: () => Date;
};

/**
 * Gathers what the provider needs to prove a caller. It proves nothing itself, and it does the same work whether or not
 * there is such a system: nobody is handed on like anybody, with a key that fits no signature.
 * @throws {OAuthError} for an assertion that no system could use, and for a caller that must wait.
 */
export async function identify(
  { store, attempts, refreshKeys, audiences, now }: Needs,
  credentials: Credentials,
  address: string,
): Promise<Identified> {
  const { clientId, method } = credentials;
  if (method === 'private_key_jwt') {
    const fault = assertionFault(credentials, { audiences, now: now() });
    if (fault) throw fault;
  }
  const subject = attempts.subjectOf(clientId, address);
  const { system, known, blockedForS } = await store.findCaller(clientId, method, subject);
  if (blockedForS !== undefined) {
    throw later(429, blockedForS, 'too many failed attempts from this address: wait', 'too-many-attempts');
  }
  const caller: Caller = { ...credentials, secrets: system?.secrets ?? [], key: undefined };
  if (method === 'private_key_jwt') caller.key = await keyOf(credentials, system, refreshKeys);
  return { caller, system, known, subject };
}

async function keyOf(
  { clientId, header }: Extract<Credentials, { method: 'private_key_jwt' }>,
  system: System | undefined,
  refreshKeys: RefreshKeys,
) {
  const { alg, kid = '', jku } = header;
  return (system && (await registeredKey({ clientId, kid, jku }, system, refreshKeys))) ?? decoyKey(alg, kid);
}
