import { randomBytes } from 'node:crypto';
import {
  type AttemptLimit,
  type Attempts,
  hashPassword,
  networkOf,
  verifyPassword,
  withinHour,
} from '../sign-in/index.ts';
import type { PatientAccount, PatientStore } from './store.ts';

const PER_ACCOUNT: AttemptLimit = {
  purpose: 'my-password-account',
  free: 5,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};
const PER_NETWORK: AttemptLimit = {
  purpose: 'my-password-network',
  free: 30,
  firstWaitSeconds: 60,
  waitSecondsMax: 900,
};

export type PasswordOutcome =
  | { result: 'right'; account: PatientAccount }
  | { result: 'wrong'; account: PatientAccount | null }
  | { result: 'wait'; seconds: number };

/**
 * Whether this e-mail address and password are a patient's. An address that is nobody's costs the same work, is limited
 * the same way and leads to the same words, so that nobody learns who is a patient here.
 */
export function createCheckPassword(options: { store: PatientStore; attempts: Attempts; now: () => Date }) {
  const { store, attempts, now } = options;
  const nobodysHash = hashPassword(randomBytes(32).toString('base64url'));

  return async function checkPassword(
    email: string,
    password: string,
    address: string,
  ): Promise<PasswordOutcome> {
    const who = email.trim().toLowerCase();
    const network = withinHour(networkOf(address), now());
    const seconds =
      (await attempts.count(PER_NETWORK, network, now())) ?? (await attempts.count(PER_ACCOUNT, who, now()));
    if (seconds !== null) return { result: 'wait', seconds };

    const account = await store.accountByEmail(who);
    const matches = await verifyPassword(account?.passwordHash ?? (await nobodysHash), password);
    if (!account || !matches) return { result: 'wrong', account };
    await attempts.forget(PER_ACCOUNT, who);
    await attempts.uncount(PER_NETWORK, network);
    return { result: 'right', account };
  };
}
