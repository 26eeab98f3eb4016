import { type Status, standingOf } from './standing.ts';

/** What the decision knows of an access token. */
type Token = { expiresAt: Date; permissions: string[]; organisationId: string | null };
type System = { standing: 'draft' | 'in-review' | 'live' | 'suspended'; permissions: string[] };
type Connection = { status: Status; expiresAt: Date | null; permissions: string[]; labels: number };

export type DecisionInput = {
  /** null: no token has this hash. */
  token: Token | null;
  system: System;
  /** null: no organisation has the ODS code that was sent. */
  organisationId: string | null;
  /** The newest connection of this organisation to this system; null: there never was one. */
  connection: Connection | null;
  /** The interaction asked for, from narrow to wide, any of which covers all of it: Observation.r, *.r */
  permissions: string[];
  now: Date;
};

export type Refusal =
  | 'token-invalid'
  | 'system-not-live'
  | 'organisation-mismatch'
  | 'connection-none'
  | 'connection-suspended'
  | 'connection-revoked'
  | 'connection-expired'
  | 'scope-insufficient';

export type Decision = { outcome: 'allowed'; labels: number } | { outcome: Refusal };

/**
 * May this token, for this organisation, do this now? The rule as a function of plain values; the SQL function
 * `decide` is the same rule inside the statement that touches the data, and a table of cases and random worlds
 * hold the two to each other. The order of the questions is part of the rule: the first that fails is the answer,
 * so a system learns nothing of a connection before its own token and standing are right.
 */
export function decide(input: DecisionInput): Decision {
  const { token, system, connection, organisationId, permissions, now } = input;
  if (!token || token.expiresAt <= now) return { outcome: 'token-invalid' };
  if (system.standing !== 'live') return { outcome: 'system-not-live' };
  if (token.organisationId !== null && token.organisationId !== organisationId) {
    return { outcome: 'organisation-mismatch' };
  }
  if (organisationId === null || !connection) return { outcome: 'connection-none' };
  const standing = standingOf(connection.status, connection.expiresAt, now);
  if (standing !== 'active') return { outcome: `connection-${standing}` };
  const covers = (held: string[]) => permissions.some((permission) => held.includes(permission));
  // Each of the three must cover the interaction: what the system asked for, what it was granted, and what it is
  // registered for today, so that a registration that shrank shrinks every connection with it.
  if (![token.permissions, connection.permissions, system.permissions].every(covers)) {
    return { outcome: 'scope-insufficient' };
  }
  return { outcome: 'allowed', labels: connection.labels };
}
