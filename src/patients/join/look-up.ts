import { hashAccessCode, hashInvitationCode, readCode } from '../../invitations/codes.ts';
import { type AttemptLimit, type Attempts, networkOf, withinHour } from '../../sign-in/index.ts';
import { type Standing, standingOf } from './standing.ts';
import type { FoundInvitation, JoinStore } from './store.ts';

const PER_PAIR: AttemptLimit = { purpose: 'join-pair', free: 5, firstWaitSeconds: 60, waitSecondsMax: 3600 };
const PER_NETWORK: AttemptLimit = {
  purpose: 'join-network',
  free: 20,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
/** Everybody's failures within an hour: far above what slips of many people come to, far below a search. */
const IN_ALL: AttemptLimit = { purpose: 'join-all', free: 1000, firstWaitSeconds: 5, waitSecondsMax: 60 };

/** Wrong dates of birth in the whole life of a pair. */
export const BIRTH_DATE_TRIES = 6;

type Needs = { store: JoinStore; attempts: Attempts; pepper: Buffer; now: () => Date };

export type Looked =
  | { result: 'malformed'; field: 'code' | 'token' }
  | { result: 'wait'; seconds: number }
  | { result: 'wrong' }
  | { result: 'found'; codeHash: Buffer; invitation: FoundInvitation; standing: Standing };

/** Finds invitations for people who join, no faster than people type. */
export function createLookUp({ store, attempts, pepper, now }: Needs) {
  return {
    async byCodes(typed: { code: string; token: string }, address: string): Promise<Looked> {
      const code = readCode(typed.code);
      if (!code) return { result: 'malformed', field: 'code' };
      const token = readCode(typed.token);
      if (!token) return { result: 'malformed', field: 'token' };

      const limits = limitsOf(code, address, now());
      for (const [limit, subject] of limits) {
        const seconds = await attempts.count(limit, subject, now());
        if (seconds !== null) return { result: 'wait', seconds };
      }
      const codeHash = hashInvitationCode(pepper, code);
      const invitation = await store.invitation(codeHash);
      // Both are keyed hashes: how long a comparison takes tells nothing about a code.
      if (!invitation || !hashAccessCode(pepper, token).equals(invitation.tokenHash))
        return { result: 'wrong' };
      for (const [limit, subject] of limits) await attempts.uncount(limit, subject);
      return { result: 'found', codeHash, invitation, standing: standingOf(invitation, now()) };
    },

    /** What somebody who showed both codes before is on the way to join with, as it stands now. */
    async byTicket(codeHash: Buffer): Promise<{ invitation: FoundInvitation; standing: Standing } | null> {
      const invitation = await store.invitation(codeHash);
      return invitation && { invitation, standing: standingOf(invitation, now()) };
    },

    /** One try at the date of birth: true, or how many tries are left. A number of seconds asks to wait. */
    async birthDate(
      codeHash: Buffer,
      birthDate: string,
      address: string,
    ): Promise<
      { result: 'agreed' } | { result: 'wrong'; left: number } | { result: 'wait'; seconds: number }
    > {
      const [[limit, subject]] = limitsOf('', address, now());
      const seconds = await attempts.count(limit, subject, now());
      if (seconds !== null) return { result: 'wait', seconds };
      if (await store.tryBirthDate(codeHash, birthDate, BIRTH_DATE_TRIES)) {
        await attempts.uncount(limit, subject);
        return { result: 'agreed' };
      }
      const invitation = await store.invitation(codeHash);
      return { result: 'wrong', left: Math.max(0, BIRTH_DATE_TRIES - (invitation?.birthDateFailures ?? 0)) };
    },
  };
}

export type LookUp = ReturnType<typeof createLookUp>;

/**
 * The narrowest that one party can reach come first: what they refuse is not counted by the limit that everybody
 * shares, or one network alone could keep all others from joining.
 */
function limitsOf(code: string, address: string, now: Date) {
  return [
    [PER_NETWORK, withinHour(networkOf(address), now)],
    [PER_PAIR, code],
    [IN_ALL, withinHour('all', now)],
  ] as const satisfies [AttemptLimit, string][];
}
