import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import type { SigningKeys } from './signing-keys.ts';
import { sweepKeys, sweepNotifications } from './store.ts';

type Needs = Pick<Context, 'audit' | 'config' | 'database' | 'log'> & { keys: SigningKeys };

/** What is done once an hour: old dead letters and keys go, and a key that has signed for long enough gets its successor. */
export function createTidy({ audit, config, database, keys, log }: Needs) {
  return async function tidy(): Promise<void> {
    await sweepNotifications(database.service);
    await sweepKeys(database.service);
    const { kid, outcome } = await keys.rotate({ ageDays: config.notificationKeyDays });
    if (outcome !== 'added') return;
    await audit.record({
      ...{ kind: 'operator', interaction: 'rotate-notification-keys', requestId: randomUUID() },
      ...{ outcome: 'allowed', status: 200, resourceType: 'signing-key', resourceId: kid, detail: 'by age' },
    });
    log.info({ kid }, 'the next key for signing notifications is published');
  };
}
