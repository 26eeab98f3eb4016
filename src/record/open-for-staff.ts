import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { RecordContext } from '../record-context/index.ts';
import { inTransaction } from './in-transaction.ts';
import type { OpenRecord } from './open-record.ts';

/** The record that a professional has open, read within the organisation's purview or, for a while, beyond it. */
export function openForStaff(
  { database, audit }: Pick<Context, 'database' | 'audit'>,
  request: FastifyRequest,
  context: RecordContext,
): OpenRecord {
  const { patientId, accountId, organisationId } = context;
  let glassUntil: Date | null = null;

  return {
    patientId,
    kept: { c: context.id },
    locked: context.locked,
    glass: () => ({ until: glassUntil, mayBreak: context.breakGlass }),

    read: (act) =>
      inTransaction(database.service, async (client) => {
        const { rows } = await client.query<{ role: string | null; glass_until: Date | null }>({
          name: 'act-for-record',
          text: 'select role, glass_until from act_for_record($1, $2, $3)',
          values: [accountId, organisationId, patientId],
        });
        glassUntil = rows[0]?.glass_until ?? null;
        return rows[0]?.role ? act(client) : null;
      }),

    record: ({ section, ...read }) =>
      audit.record({
        kind: 'page',
        interaction: 'record-read',
        requestId: request.id,
        address: request.ip,
        accountId,
        organisationId,
        patients: [patientId],
        detail: glassUntil ? `${section}, glass broken` : section,
        ...read,
      }),
  };
}
