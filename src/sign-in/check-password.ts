import { randomBytes } from 'node:crypto';
import { type AttemptLimit, type Attempts, networkOf, withinHour } from './attempts.ts';
import { hashPassword, verifyPassword } from './password.ts';
import type { Account, SignInStore } from './store.ts';

const PER_ACCOUNT: AttemptLimit = {
  purpose: 'password-account',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
// A hospital's staff share an address: enough for many people's slips, too little to try many passwords.
const PER_NETWORK: AttemptLimit = {
  purpose: 'password-network',
  free: 30,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

export type PasswordOutcome =
  | { result: 'right'; account: Account }
  | {
      result: 'wrong';
      reason: 'unknown-account' | 'wrong-password' | 'password-expired' | 'no-role';
      accountId?: string;
    }
  | { result: 'wait'; seconds: number };

/**
 * Whether this e-mail address and password are someone's. An address that is nobody's costs the same work, is
 * limited the same way and leads to the same words, so that nobody learns who has an account.
 */
export function createCheckPassword(options: { store: SignInStore; attempts: Attempts; now: () => Date }) {
  const { store, attempts, now } = options;
  const nobodysHash = hashPassword(randomBytes(32).toString('base64url'));

  return async function checkPassword(
    email: string,
    password: string,
    address: string,
  ): Promise<PasswordOutcome> {
    const who = email.trim().toLowerCase();
    const network = withinHour(networkOf(address), now());
    const wait =
      (await attempts.count(PER_NETWORK, network, now())) ?? (await attempts.count(PER_ACCOUNT, who, now()));
    if (wait !== null) return { result: 'wait', seconds: wait };

    const account = await store.accountByEmail(who);
    const matches = await verifyPassword(account?.passwordHash ?? (await nobodysHash), password);
    if (!account) return { result: 'wrong', reason: 'unknown-account' };
    if (!matches) return { result: 'wrong', reason: 'wrong-password', accountId: account.id };
    if (account.passwordExpiresAt && account.passwordExpiresAt <= now()) {
      return { result: 'wrong', reason: 'password-expired', accountId: account.id };
    }
    if (account.roles.length === 0) return { result: 'wrong', reason: 'no-role', accountId: account.id };

    await attempts.forget(PER_ACCOUNT, who);
    await attempts.uncount(PER_NETWORK, network);
    return { result: 'right', account };
  };
}

export type CheckPassword = ReturnType<typeof createCheckPassword>;
