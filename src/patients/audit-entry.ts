import type { FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';

/**
 * What patients do here. The names begin with `my-` or `join-`, by which the page of who has looked knows them from
 * what others do.
 */
type Told = {
  action:
    | 'join-codes'
    | 'join-birth-date'
    | 'join-account'
    | 'join-confirm'
    | 'my-sign-in'
    | 'my-sign-out'
    | 'my-password'
    | 'my-account-close'
    | 'my-letter'
    | 'my-letter-unreadable'
    | 'my-sharing'
    | 'my-access'
    | 'my-record';
  /** 'allowed', or why not: the stable code of the refusal. */
  outcome: string;
  status: number;
  accountId?: string | undefined;
  patientId?: string | undefined;
  organisationId?: string | undefined;
  resourceType?: string | null;
  resourceId?: string | null;
  count?: number;
  detail?: string;
};

/** Records what a patient did, durable before the answer: never a code, a password or an e-mail address. */
export const createRecorder =
  (audit: Pick<Audit, 'record'>) =>
  (request: FastifyRequest, { action, patientId, ...entry }: Told): Promise<void> =>
    audit.record({
      kind: 'page',
      interaction: action,
      requestId: request.id,
      address: request.ip,
      patients: patientId ? [patientId] : null,
      ...entry,
    });

export type Recorder = ReturnType<typeof createRecorder>;
