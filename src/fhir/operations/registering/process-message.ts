import { afterDecision, type Outcome } from '../../http/answer.ts';
import { bodyOf } from '../../http/body.ts';
import { askedBy, type Call } from '../../http/call.ts';
import { ownBases } from '../../incoming/references.ts';
import type { Room } from '../../room.ts';
import { changing, type Transaction } from '../changing.ts';
import { inviteByEmail } from './invite-by-email.ts';
import { decidedFor } from './register.ts';
import { registerRows } from './register-rows.ts';
import { registrantOf } from './registrant.ts';

/**
 * `Patient/$process-message`: one Patient, created, linked with the organisation or brought up to date by its national
 * identifier. An e-mail address in it leads to an invitation, where the connection may make invitations.
 */
export async function processMessage(room: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$process-message');
  const { resource, printed } = bodyOf(call);
  const bases = ownBases(room.context.baseUrl(), call);
  const sent = registrantOf(room, { resource, printed: () => printed }, bases);
  const work = async (transaction: Transaction) => {
    const { query, organisationId } = transaction;
    const { decision, results } = await registerRows(room, query, decidedFor(asked), organisationId, [sent]);
    const [result] = results;
    const invited =
      result?.patientId && !result.refusal && sent.email !== undefined
        ? await inviteByEmail(room, transaction, call, sent.identity.identifiers[0]!, sent.email)
        : false;
    return afterDecision([decision], () => {
      const { outcome, patientId, refusal } = result!;
      if (refusal) return refusal;
      return {
        status: 200,
        body: JSON.stringify({
          resourceType: 'Parameters',
          parameter: [
            { name: 'outcome', valueCode: outcome },
            { name: 'patient', valueReference: { reference: `Patient/${patientId}` } },
            { name: 'invited', valueBoolean: invited },
          ],
        }),
        resourceId: patientId!,
        patients: [patientId!],
        count: 1,
        detail: invited ? `${outcome}, invited` : outcome,
      };
    });
  };
  return changing(room, call, asked, work, { labels: 1 << sent.label });
}
