import type { AttemptLimit, Attempts } from './attempts.ts';
import type { Account, SignInStore } from './store.ts';
import { openTotpSecret, sealTotpSecret, stepOfCode } from './totp.ts';

const PER_ACCOUNT: AttemptLimit = {
  purpose: 'code-account',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

export type CodeOutcome =
  | { result: 'right' }
  | { result: 'wrong'; reason: 'wrong-code' | 'used-code' | 'enrolled-already' }
  | { result: 'wait'; seconds: number };

type Options = { store: SignInStore; attempts: Attempts; encryptionKey: Buffer; now: () => Date };

/** Whether a code is right for the account's second factor, and uses it up. */
export function createCheckCode({ store, attempts, encryptionKey, now }: Options) {
  return async function checkCode(account: Account, code: string): Promise<CodeOutcome> {
    const seconds = await attempts.count(PER_ACCOUNT, account.id, now());
    if (seconds !== null) return { result: 'wait', seconds };
    const secret = account.totpSecret && openTotpSecret(encryptionKey, account.id, account.totpSecret);
    const step = secret && stepOfCode(secret, code, now());
    if (step === null) return { result: 'wrong', reason: 'wrong-code' };
    if (!(await store.useTotpStep(account.id, step))) return { result: 'wrong', reason: 'used-code' };
    await attempts.forget(PER_ACCOUNT, account.id);
    return { result: 'right' };
  };
}

/** Makes `secret` the account's second factor, once a code shows that the person's device has it. */
export function createEnrolCode({ store, attempts, encryptionKey, now }: Options) {
  return async function enrolCode(account: Account, secret: Buffer, code: string): Promise<CodeOutcome> {
    const seconds = await attempts.count(PER_ACCOUNT, account.id, now());
    if (seconds !== null) return { result: 'wait', seconds };
    const step = stepOfCode(secret, code, now());
    if (step === null) return { result: 'wrong', reason: 'wrong-code' };
    const sealed = sealTotpSecret(encryptionKey, account.id, secret);
    if (!(await store.enrolTotp(account, sealed, step)))
      return { result: 'wrong', reason: 'enrolled-already' };
    await attempts.forget(PER_ACCOUNT, account.id);
    return { result: 'right' };
  };
}
