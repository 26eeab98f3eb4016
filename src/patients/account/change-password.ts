import type { PoolClient } from 'pg';
import { createPatientStore } from '../store.ts';

/** Sets the password and ends every session: whoever learnt the old one may be signed in with it. */
export async function changePassword(
  client: PoolClient,
  accountId: string,
  passwordHash: string,
  now: Date,
): Promise<void> {
  const store = createPatientStore(client);
  await store.setPassword(accountId, passwordHash);
  await store.endSessionsOf(accountId, now);
}
