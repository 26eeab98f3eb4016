import type { FastifyRequest } from 'fastify';

/** What the audit trail is told of sign-in: never a password, a code or an e-mail address. */
export type SignInAuditEntry = {
  at: Date;
  action:
    | 'sign-in'
    | 'sign-in-code'
    | 'second-factor-set-up'
    | 'sign-out'
    | 'choose-organisation'
    | 'change-password'
    | 'end-sessions';
  outcome: 'success' | 'failure';
  accountId?: string;
  organisationId?: string;
  address: string;
  requestId: string;
  details?: Record<string, string | number>;
};

export type RecordAudit = (entry: SignInAuditEntry) => Promise<void>;

/** Fills in when, from where and in which request. */
export const createRecorder =
  (recordAudit: RecordAudit, now: () => Date) =>
  (request: FastifyRequest, entry: Omit<SignInAuditEntry, 'at' | 'address' | 'requestId'>): Promise<void> =>
    recordAudit({ at: now(), address: request.ip, requestId: request.id, ...entry });

export type Recorder = ReturnType<typeof createRecorder>;
