import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import { sweepKeys } from './keys-store.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Changes the signing key once it is as old as the settings say, and forgets those that nobody can still need. */
export async function rotateByAge(
  { audit, config, database, log }: Pick<Context, 'audit' | 'config' | 'database' | 'log'>,
  keys: SigningKeys,
): Promise<void> {
  await sweepKeys(database.service);
  const kid = await keys.rotate({ olderThanDays: config.notificationKeyDays });
  if (kid === undefined) return;
  log.info({ kid }, 'notifications will be signed with a new key from tomorrow');
  await audit.record({
    kind: 'operator',
    interaction: 'rotate-notification-keys',
    outcome: 'allowed',
    status: 200,
    requestId: randomUUID(),
    detail: `by age: ${kid} signs from tomorrow`,
  });
}
