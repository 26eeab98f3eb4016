import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { newResourceId } from '../ids.ts';
import type { RecordContext } from '../record-context/index.ts';
import { inTransaction } from './in-transaction.ts';
import { REASONS, type Reason } from './reasons.ts';

export type BreakGlassForm = { reason: Reason; explanation: string };

/** What the form says, or what is wrong with it. */
export function readBreakGlassForm(
  body: unknown,
): BreakGlassForm | { errors: { field: string; text: string }[] } {
  const { reason, explanation } = (body ?? {}) as Record<string, unknown>;
  const errors: { field: string; text: string }[] = [];
  if (typeof reason !== 'string' || !Object.hasOwn(REASONS, reason)) {
    errors.push({ field: 'reason', text: 'Choose why you need to see more' });
  }
  const text = typeof explanation === 'string' ? explanation.replaceAll('\r\n', '\n').trim() : '';
  if (text.length < 10) {
    errors.push({ field: 'explanation', text: 'Say in your own words why, in 10 characters or more' });
  } else if ([...text].length > 500) {
    errors.push({ field: 'explanation', text: 'What you say must be 500 characters or fewer' });
  } else if (text.includes('\0')) {
    errors.push({ field: 'explanation', text: 'What you say has a character that cannot be kept' });
  }
  return errors.length > 0 ? { errors } : { reason: reason as Reason, explanation: text };
}

/**
 * Breaks the glass for half an hour, if the organisation allows it where the record was opened. The audit record is
 * durable before the glass is broken: if it cannot be written, nothing opens.
 */
export function createBreakGlass({ database, audit }: Pick<Context, 'database' | 'audit'>) {
  const told = (request: FastifyRequest, record: RecordContext) => ({
    kind: 'page' as const,
    requestId: request.id,
    address: request.ip,
    accountId: record.accountId,
    organisationId: record.organisationId,
    patients: [record.patientId],
  });

  return {
    async breakGlass(request: FastifyRequest, record: RecordContext, form: BreakGlassForm) {
      return inTransaction(database.service, async (client) => {
        const { rows } = await client.query<{
          outcome: 'broken' | 'already' | 'not-allowed';
          until: Date | null;
        }>({
          name: 'record-break-glass',
          text: 'select outcome, glass_until as until from open_break_glass($1, $2, $3, $4, $5, $6)',
          values: [
            newResourceId(record.patientId),
            record.id,
            record.accountId,
            record.organisationId,
            form.reason,
            form.explanation,
          ],
        });
        const { outcome, until } = rows[0]!;
        const refused = outcome === 'not-allowed';
        await audit.record({
          ...told(request, record),
          interaction: 'break-glass',
          outcome: refused ? 'not-allowed' : 'allowed',
          status: refused ? 403 : 303,
          detail: outcome === 'broken' ? form.reason : outcome,
        });
        return { outcome, until };
      });
    },

    /** Gives it back early. */
    async endBreakGlass(request: FastifyRequest, record: RecordContext): Promise<void> {
      await inTransaction(database.service, async (client) => {
        await client.query({
          name: 'record-end-break-glass',
          text: 'select end_break_glass($1, $2, $3)',
          values: [record.patientId, record.accountId, record.organisationId],
        });
        await audit.record({
          ...told(request, record),
          interaction: 'break-glass-end',
          outcome: 'allowed',
          status: 303,
        });
      });
    },
  };
}
