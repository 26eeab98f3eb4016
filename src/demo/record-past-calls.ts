import { type Audit, describeQuery } from '../audit/audit.ts';
import type { Secrets } from '../secrets.ts';
import { pastCalls } from './past-calls.ts';
import { pastNotifications } from './past-notifications.ts';
import type { World } from './world.ts';

/**
 * Writes the demo world's past calls and notifications through the audit itself, so that they stand in its chain like any others and
 * verifying holds. For a world that has just been loaded: a second time would double them.
 * @returns how many were written.
 */
export async function recordPastCalls(
  audit: Pick<Audit, 'record'>,
  secrets: Pick<Secrets, 'auditKey'>,
  world: World,
): Promise<number> {
  const calls = [
    ...pastCalls(world, (parameters) => describeQuery(secrets, parameters)),
    ...pastNotifications(world),
  ].sort((a, b) => a.at!.getTime() - b.at!.getTime());
  // Many at once share a commit; all at once would be more than the audit lets wait.
  for (let done = 0; done < calls.length; done += AT_ONCE) {
    await Promise.all(calls.slice(done, done + AT_ONCE).map((call) => audit.record(call)));
  }
  return calls.length;
}

const AT_ONCE = 250;
