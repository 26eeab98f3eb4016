import type { AttemptLimit, Attempts } from './attempts.ts';
import { hashPassword, passwordProblem, verifyPassword } from './password.ts';
import type { Account, SignInStore } from './store.ts';

const PER_ACCOUNT: AttemptLimit = {
  purpose: 'change-password',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

export type ChangeOutcome =
  | { result: 'changed' }
  | { result: 'refused'; field: 'current' | 'password' | 'again'; text: string }
  | { result: 'wait'; seconds: number };

type Words = { current: string; password: string; again: string };

/** Changes a password for someone who knows the present one, so that an open session is not enough to keep an account. */
export function createChangePassword(options: { store: SignInStore; attempts: Attempts; now: () => Date }) {
  const { store, attempts, now } = options;
  return async function changePassword(account: Account, words: Words): Promise<ChangeOutcome> {
    const problem = passwordProblem(words.password, account);
    if (problem) return { result: 'refused', field: 'password', text: problem };
    if (words.password !== words.again) {
      return { result: 'refused', field: 'again', text: 'The new passwords are not the same' };
    }
    if (words.password === words.current) {
      return {
        result: 'refused',
        field: 'password',
        text: 'The new password must differ from your current one',
      };
    }
    const seconds = await attempts.count(PER_ACCOUNT, account.id, now());
    if (seconds !== null) return { result: 'wait', seconds };
    const wrong = {
      result: 'refused',
      field: 'current',
      text: 'Your current password is not right',
    } as const;
    if (!(await verifyPassword(account.passwordHash, words.current))) return wrong;
    const changed = await store.setPassword(
      account.id,
      account.passwordHash,
      await hashPassword(words.password),
      now(),
    );
    if (!changed) return wrong;
    await attempts.forget(PER_ACCOUNT, account.id);
    return { result: 'changed' };
  };
}
