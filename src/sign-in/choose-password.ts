import { hashPassword, passwordProblem, verifyPassword } from './password.ts';
import type { Account, SignInStore } from './store.ts';

export type ChooseOutcome =
  | { result: 'chosen' }
  | { result: 'refused'; field: 'password' | 'again'; text: string }
  /** The one-time password is too old by now, or another has taken its place. */
  | { result: 'gone' };

/** Puts a password of the person's own in the place of the one-time password with which they signed in: once. */
export function createChoosePassword({ store, now }: { store: SignInStore; now: () => Date }) {
  return async function choosePassword(
    account: Account,
    words: { password: string; again: string },
  ): Promise<ChooseOutcome> {
    const refused = (field: 'password' | 'again', text: string) =>
      ({ result: 'refused', field, text }) as const;
    const problem = passwordProblem(words.password, account);
    if (problem) return refused('password', problem);
    if (words.password !== words.again) return refused('again', 'The new passwords are not the same');
    // Whoever handed it over knows it.
    if (await verifyPassword(account.passwordHash, words.password)) {
      return refused('password', 'The new password must differ from the one you were given');
    }
    const next = await hashPassword(words.password);
    const chosen = await store.setPassword(account.id, account.passwordHash, next, now());
    return { result: chosen ? 'chosen' : 'gone' };
  };
}
