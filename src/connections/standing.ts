export type Status = 'active' | 'suspended' | 'revoked' | 'expired';

/** The states a connection may be in, in the order that people look for them. */
export const STATUSES: readonly Status[] = ['active', 'suspended', 'expired', 'revoked'];

/**
 * What a connection is at a moment. Its end date counts from the instant it is reached, whether or not the row
 * has been marked since; a suspended connection that runs out is expired, so that it cannot be resumed.
 */
export function standingOf(status: Status, expiresAt: Date | null, now: Date): Status {
  const ends = status === 'active' || status === 'suspended';
  return ends && expiresAt !== null && expiresAt <= now ? 'expired' : status;
}
