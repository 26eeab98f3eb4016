import type { Status } from './standing.ts';
import type { HistoryEntry } from './store.ts';

export type ActName = 'revoke' | 'suspend' | 'resume';

type Found = { id: string; name: string; status: Status; last: HistoryEntry | null };

type Act = {
  /** The states it may be done in, the one it leads to, and its name in the history. */
  from: Status[];
  to: Status;
  kind: HistoryEntry['kind'];
  /** The last part of its confirmation's address. */
  confirmation: string;
  question: string;
  button: string;
  effect: string;
  done: string;
  doneBy: string;
};

const ACT: Record<ActName, Act> = {
  revoke: {
    from: ['active', 'suspended'],
    to: 'revoked',
    kind: 'revoked',
    confirmation: 'revoked',
    question: 'Revoke the access of',
    button: 'Revoke access',
    effect:
      'Calls are refused from the moment you revoke, at once and everywhere. This connection cannot be brought back: to let the system in again, grant access anew.',
    done: 'Access revoked',
    doneBy: 'Revoked',
  },
  suspend: {
    from: ['active'],
    to: 'suspended',
    kind: 'suspended',
    confirmation: 'suspended',
    question: 'Suspend the access of',
    button: 'Suspend access',
    effect:
      'Calls are refused from the moment you suspend, at once and everywhere, until an administrator resumes access. What it was granted is kept.',
    done: 'Access suspended',
    doneBy: 'Suspended',
  },
  resume: {
    from: ['suspended'],
    to: 'active',
    kind: 'resumed',
    confirmation: 'resumed',
    question: 'Resume the access of',
    button: 'Resume access',
    effect: '',
    done: 'Access resumed',
    doneBy: 'Resumed',
  },
};

/** What the pages say of each act, and what they say when it was no longer there to be done. */
export const ACTS = Object.fromEntries(
  Object.entries(ACT).map(([name, act]) => [name, { ...act, unchanged }]),
) as Record<ActName, Act & { unchanged: typeof unchanged }>;

function unchanged({ id, name, status, last }: Found) {
  const says = STATES[status];
  return {
    heading: `${name} ${says.heading}`,
    what: says.what,
    by: last?.kind === says.kind || status === 'active' ? last?.by : null,
    at: last?.at,
    nothing: 'Nothing was changed by this request.',
    connectionId: id,
  };
}

const STATES: Record<Status, { heading: string; what: string; kind?: HistoryEntry['kind'] }> = {
  active: { heading: 'has access', what: 'Its access is not suspended: it was granted or resumed' },
  suspended: { heading: 'is already suspended', what: 'Access was suspended', kind: 'suspended' },
  revoked: { heading: 'is already revoked', what: 'Access was already revoked', kind: 'revoked' },
  expired: { heading: 'has expired', what: 'Its last day of access has passed', kind: 'expired' },
};
