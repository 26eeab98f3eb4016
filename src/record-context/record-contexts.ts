import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { routeOf } from '../ids.ts';

export type Section = 'summary' | 'results' | 'letters';

/** Whose record somebody has open, for which organisation, and what they may do besides reading it. */
export type RecordContext = {
  /** For the address: says nothing of the patient, and is worth nothing without the session. */
  id: string;
  patientId: string;
  organisationId: string;
  accountId: string;
  /** Opened from another clinical system for this patient alone: offer no search and no other patient. */
  locked: boolean;
  /** Whether the organisation lets people break the glass here. */
  breakGlass: boolean;
  openedBy: 'systmone' | 'one-time' | 'search';
};

type Opening = Omit<RecordContext, 'id'> & {
  /** The session's id as stored (a hash), hexadecimal: `staffOf(request).sessionId`. */
  sessionId: string;
};

/** However long the session lasts, a record left open is closed. */
const OPEN_SECONDS = 4 * 3600;

/**
 * Which patients' records a staff session has open. A second record opened in another tab does not change the first:
 * each address carries `c`, the id of its own context, so that nobody reads one patient's results under another's
 * name. Without it the record opened last is meant.
 */
export function createRecordContexts({ database, now }: { database: Pick<Pool, 'query'>; now: () => Date }) {
  return {
    /** Opens a patient's record for a session. Whoever calls has made sure that the person may see the patient. */
    async openContext(opening: Opening): Promise<RecordContext> {
      const { sessionId, ...context } = opening;
      const id = randomBytes(16).toString('base64url');
      await database.query({
        name: 'record-context-open',
        text: `
          insert into record_context (id, session_hash, account_id, organisation_id, route, patient_id, locked,
                                      break_glass, opened_by, created_at, expires_at)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10::timestamptz + make_interval(secs => $11))`,
        values: [
          id,
          Buffer.from(sessionId, 'hex'),
          context.accountId,
          context.organisationId,
          routeOf(context.patientId),
          context.patientId,
          context.locked,
          context.breakGlass,
          context.openedBy,
          now(),
          OPEN_SECONDS,
        ],
      });
      return { ...context, id };
    },

    /**
     * The record this request is about, or null when none is open: behind requireStaff only. It must have been opened
     * by this session for the organisation the person works for now. `c` in the query picks one; a `c` that is not
     * this session's is no record, never another one. One that was found by searching stays shut while the session is
     * locked.
     */
    async currentContext(request: FastifyRequest): Promise<RecordContext | null> {
      const { staff } = request;
      if (!staff) return null;
      const wanted = (request.query as Record<string, unknown>)?.c;
      if (wanted !== undefined && (typeof wanted !== 'string' || !/^[\w-]{22}$/.test(wanted))) return null;
      const { rows } = await database.query({
        name: 'record-context-current',
        text: `
          select id, patient_id as "patientId", organisation_id as "organisationId", account_id as "accountId", locked,
                 break_glass as "breakGlass", opened_by as "openedBy"
            from record_context
           where session_hash = $1 and account_id = $2 and organisation_id = $3 and expires_at > $4
             and ($5::text is null or id = $5)
             and (locked or opened_by <> 'search' or not exists (
               select from record_context l where l.session_hash = $1 and l.locked and l.expires_at > $4))
           order by created_at desc limit 1`,
        values: [
          Buffer.from(staff.sessionId, 'hex'),
          staff.accountId,
          staff.organisationId,
          now(),
          wanted ?? null,
        ],
      });
      return rows[0] ?? null;
    },

    /**
     * The patients for whom alone another clinical system opened records in this session, as long as those are open. If
     * there are any the session is locked to them, however it began: nothing in it may show or find another patient.
     * Launches alone open more, and signing in anew begins a session without a lock.
     */
    async lockedTo(sessionId: string): Promise<string[]> {
      const { rows } = await database.query<{ patientId: string }>({
        name: 'record-context-locked',
        text: `
          select distinct patient_id as "patientId" from record_context
           where session_hash = $1 and locked and expires_at > $2`,
        values: [Buffer.from(sessionId, 'hex'), now()],
      });
      return rows.map(({ patientId }) => patientId);
    },

    /** Closes every record of the session, as when somebody says they are done. */
    async closeContexts(sessionId: string): Promise<void> {
      await database.query({
        name: 'record-context-close',
        text: 'delete from record_context where session_hash = $1',
        values: [Buffer.from(sessionId, 'hex')],
      });
    },
  };
}

export type RecordContexts = ReturnType<typeof createRecordContexts>;

/** The address of a section of an open record. */
export const recordPath = (context: Pick<RecordContext, 'id'>, section: Section = 'summary'): string =>
  `/record?${new URLSearchParams({ section, c: context.id })}`;
