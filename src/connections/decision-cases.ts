import type { Decision, DecisionInput } from './decide.ts';

const ORGANISATION = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const ANOTHER = '0e2f4d1c-58cc-8372-a567-0e02b2c3d479';
const minutes = (n: number, now: Date) => new Date(now.getTime() + n * 60_000);

/** A world in which the answer is 'allowed'; each case below breaks one thing in it. */
function allowed(now: Date): DecisionInput {
  return {
    token: {
      expiresAt: minutes(5, now),
      permissions: ['Observation.r', 'Observation.s'],
      organisationId: null,
    },
    system: { standing: 'live', permissions: ['Observation.r', 'Observation.s', 'Patient.r'] },
    organisationId: ORGANISATION,
    connection: {
      status: 'active',
      expiresAt: null,
      permissions: ['Observation.r', 'Observation.s'],
      labels: 15,
    },
    permissions: ['Observation.r', '*.r'],
    now,
  };
}

type Case = { promise: string; change: (world: DecisionInput) => void; outcome: Decision['outcome'] };

/** The rules of the decision, one broken at a time; both the pure function and the SQL must answer like this. */
const CASES: Case[] = [
  { promise: 'all is as it must be', change: () => {}, outcome: 'allowed' },
  {
    promise: 'no token has this hash',
    change: (w) => {
      w.token = null;
    },
    outcome: 'token-invalid',
  },
  {
    promise: 'the token ran out',
    change: (w) => {
      w.token!.expiresAt = minutes(-1, w.now);
    },
    outcome: 'token-invalid',
  },
  ...(['draft', 'in-review', 'suspended'] as const).map(
    (standing): Case => ({
      promise: `the system is ${standing}`,
      change: (w) => {
        w.system.standing = standing;
      },
      outcome: 'system-not-live',
    }),
  ),
  {
    promise: 'the token is bound to this organisation',
    change: (w) => {
      w.token!.organisationId = ORGANISATION;
    },
    outcome: 'allowed',
  },
  {
    promise: 'the token is bound to another organisation',
    change: (w) => {
      w.token!.organisationId = ANOTHER;
    },
    outcome: 'organisation-mismatch',
  },
  {
    promise: 'the token is bound and the organisation is unknown',
    change: (w) => {
      w.token!.organisationId = ORGANISATION;
      w.organisationId = null;
      w.connection = null;
    },
    outcome: 'organisation-mismatch',
  },
  {
    promise: 'the organisation is unknown',
    change: (w) => {
      w.organisationId = null;
      w.connection = null;
    },
    outcome: 'connection-none',
  },
  {
    promise: 'there was never a connection',
    change: (w) => {
      w.connection = null;
    },
    outcome: 'connection-none',
  },
  ...(['suspended', 'revoked', 'expired'] as const).map(
    (status): Case => ({
      promise: `the connection is ${status}`,
      change: (w) => {
        w.connection!.status = status;
      },
      outcome: `connection-${status}`,
    }),
  ),
  {
    promise: 'the connection ends later',
    change: (w) => {
      w.connection!.expiresAt = minutes(1, w.now);
    },
    outcome: 'allowed',
  },
  {
    promise: 'the end date has passed and nobody has marked it',
    change: (w) => {
      w.connection!.expiresAt = minutes(-1, w.now);
    },
    outcome: 'connection-expired',
  },
  {
    promise: 'the end date of a suspended connection has passed',
    change: (w) => Object.assign(w.connection!, { status: 'suspended', expiresAt: minutes(-1, w.now) }),
    outcome: 'connection-expired',
  },
  {
    promise: 'a revoked connection also had an end date',
    change: (w) => Object.assign(w.connection!, { status: 'revoked', expiresAt: minutes(-1, w.now) }),
    outcome: 'connection-revoked',
  },
  {
    promise: 'the token was asked for less',
    change: (w) => {
      w.token!.permissions = ['Observation.s'];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'the connection grants less',
    change: (w) => {
      w.connection!.permissions = ['Observation.s', 'Patient.r'];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'the registration has shrunk since the grant',
    change: (w) => {
      w.system.permissions = ['Patient.r'];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'nothing was granted',
    change: (w) => {
      w.connection!.permissions = [];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'no permission would do',
    change: (w) => {
      w.permissions = [];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'each holds the interaction in its own generality',
    change: (w) => {
      w.token!.permissions = ['Observation.r'];
      w.connection!.permissions = ['*.r'];
      w.system.permissions = ['*.r', '*.s'];
    },
    outcome: 'allowed',
  },
  {
    promise: 'a wide permission for another interaction does not help',
    change: (w) => {
      w.connection!.permissions = ['*.s', '*.c'];
    },
    outcome: 'scope-insufficient',
  },
  {
    promise: 'a connection without labels is still a connection',
    change: (w) => {
      w.connection!.labels = 0;
    },
    outcome: 'allowed',
  },
  {
    promise: 'an expired token says nothing of a revoked connection',
    change: (w) => {
      w.token!.expiresAt = minutes(-1, w.now);
      w.connection!.status = 'revoked';
    },
    outcome: 'token-invalid',
  },
  {
    promise: 'a revoked connection says nothing of its scopes',
    change: (w) => {
      w.connection!.status = 'revoked';
      w.connection!.permissions = [];
    },
    outcome: 'connection-revoked',
  },
];

export function decisionCases(now: Date): { promise: string; input: DecisionInput; decision: Decision }[] {
  return CASES.map(({ promise, change, outcome }) => {
    const input = allowed(now);
    change(input);
    const decision: Decision =
      outcome === 'allowed' ? { outcome, labels: input.connection!.labels } : { outcome };
    return { promise, input, decision };
  });
}
