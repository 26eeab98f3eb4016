import type { PoolClient } from 'pg';
import { createPatientStore } from '../store.ts';
import { dropLinks } from './links.ts';

/**
 * Sets the password, ends every session and every link to set another: whoever learnt the old one may be signed in with
 * it, and may have asked for a link.
 */
export async function changePassword(
  client: PoolClient,
  accountId: string,
  passwordHash: string,
  now: Date,
): Promise<void> {
  const store = createPatientStore(client);
  await store.setPassword(accountId, passwordHash);
  await store.endSessionsOf(accountId, now);
  await dropLinks(client, accountId);
}
