import type { FastifyRequest } from 'fastify';

/** What the audit trail is told of sign-in: never a password, a code or an e-mail address. */
export type SignInAuditEntry = {
  at: Date;
  action:
    | 'sign-in'
    | 'sign-in-code'
    | 'sign-in-with-organisation'
    | 'connect-organisation-sign-in'
    | 'end-organisation-sign-in'
    | 'second-factor-set-up'
    | 'sign-out'
    | 'choose-organisation'
    | 'change-password'
    | 'choose-password'
    | 'end-sessions';
  outcome: 'success' | 'failure';
  /** The HTTP status the person was answered with. */
  status: 303 | 422 | 429;
  accountId?: string;
  organisationId?: string;
  address: string;
  requestId: string;
  details?: Record<string, string | number>;
};

export type RecordAudit = (entry: SignInAuditEntry) => Promise<void>;

type Told = Omit<SignInAuditEntry, 'at' | 'status' | 'address' | 'requestId'> &
  Partial<Pick<SignInAuditEntry, 'status'>>;

/** Fills in when, from where, in which request, and how it was answered. */
export const createRecorder =
  (recordAudit: RecordAudit, now: () => Date) =>
  (request: FastifyRequest, entry: Told): Promise<void> =>
    recordAudit({ at: now(), status: statusOf(entry), address: request.ip, requestId: request.id, ...entry });

export type Recorder = ReturnType<typeof createRecorder>;

function statusOf({ outcome, details }: Told): SignInAuditEntry['status'] {
  if (outcome === 'success') return 303;
  return details?.reason === 'too-many-attempts' ? 429 : 422;
}
