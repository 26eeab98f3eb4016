import type { Context } from '../context.ts';
import { type AttemptLimit, createAttempts } from '../sign-in/attempts.ts';
import type { Acting } from './acting.ts';
import type { ReviewedSystem } from './reviewed-system.ts';
import { liveSystem, systemsNamed } from './store.ts';

export type Found =
  | { outcome: 'found'; systems: ReviewedSystem[] }
  /** Tried too often: nothing was looked for. */
  | { outcome: 'wait'; seconds: number };

/** More than anybody needs who knows what they look for, and too few to list systems by guessing. */
export const PER_PERSON: AttemptLimit = {
  purpose: 'find-system-person',
  free: 20,
  firstWaitSeconds: 30,
  waitSecondsMax: 3600,
};
export const PER_ORGANISATION: AttemptLimit = {
  purpose: 'find-system-organisation',
  free: 100,
  firstWaitSeconds: 30,
  waitSecondsMax: 3600,
};

/**
 * Looks for third-party systems by exact name, company's name or client ID. A system that is not live is answered
 * as one that does not exist, by the same work. Every search counts against a limit before it is made.
 */
export function createFindSystem({
  database,
  audit,
  secrets,
  now,
}: Pick<Context, 'database' | 'audit' | 'secrets' | 'now'>) {
  const attempts = createAttempts(database.service, secrets.pepper);

  async function counted(acting: Acting): Promise<number | null> {
    return (
      (await attempts.count(PER_PERSON, acting.accountId, now())) ??
      (await attempts.count(PER_ORGANISATION, acting.organisationId, now()))
    );
  }

  async function record(acting: Acting, interaction: string, outcome: string, count: number) {
    const status = outcome === 'allowed' ? 200 : outcome === 'not-found' ? 404 : 429;
    await audit.record({ kind: 'page', interaction, outcome, status, count, ...acting });
  }

  return {
    async findSystems(acting: Acting, text: string): Promise<Found> {
      const seconds = await counted(acting);
      if (seconds !== null) {
        await record(acting, 'find-system', 'too-many-attempts', 0);
        return { outcome: 'wait', seconds };
      }
      const systems = await systemsNamed(database.service, text);
      await record(acting, 'find-system', 'allowed', systems.length);
      return { outcome: 'found', systems };
    },

    /** The one live system with this client ID. An address that names none counts as a search that failed. */
    async openSystem(acting: Acting, clientId: string): Promise<Found> {
      const seconds = await counted(acting);
      if (seconds !== null) {
        await record(acting, 'open-system', 'too-many-attempts', 0);
        return { outcome: 'wait', seconds };
      }
      const system = await liveSystem(database.service, clientId);
      if (!system) {
        await record(acting, 'open-system', 'not-found', 0);
        return { outcome: 'found', systems: [] };
      }
      await attempts.uncount(PER_PERSON, acting.accountId);
      await attempts.uncount(PER_ORGANISATION, acting.organisationId);
      return { outcome: 'found', systems: [system] };
    },
  };
}
