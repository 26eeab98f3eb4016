/** An invitation as whoever holds both its codes finds it. */
export type Invitation = {
  expiresAt: Date;
  usedAt: Date | null;
  revokedAt: Date | null;
  revokeReason: 'replaced' | 'joined' | 'attempts' | 'withdrawn' | null;
};

export type Standing = 'open' | 'used' | 'expired' | 'locked' | 'replaced' | 'withdrawn';

/**
 * What an invitation is worth now. Told apart only to who has both codes: somebody who holds the letter may know what
 * became of it, and anyone else learns nothing but that the codes are wrong.
 */
export function standingOf(invitation: Invitation, now: Date): Standing {
  // The patient joined with another invitation: to them it is the same.
  if (invitation.usedAt || invitation.revokeReason === 'joined') return 'used';
  if (invitation.revokeReason === 'attempts') return 'locked';
  if (invitation.revokeReason === 'replaced') return 'replaced';
  if (invitation.revokedAt) return 'withdrawn';
  return invitation.expiresAt <= now ? 'expired' : 'open';
}
