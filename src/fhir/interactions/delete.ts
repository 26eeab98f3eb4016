import { type Answer, afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { ifMatchOf } from '../http/if-match.ts';
import { Refusal } from '../http/refusal.ts';
import type { RefusalCode } from '../http/refusal-codes.ts';
import type { Target } from '../http/target.ts';
import type { Room } from '../room.ts';
import { deletePatient, deleteResource } from '../store/write.ts';
import { keyOf } from './read.ts';

/**
 * Delete (R4 section 3.1.0.7) of one's own. Sent again it is 204 again; what is not in the purview is 404, like what
 * never was.
 */
export async function remove(room: Room, call: Call, { type, id }: Target): Promise<Outcome> {
  const asked = askedBy(call, type, 'd');
  const ifMatch = ifMatchOf(call);
  const key = keyOf(type, id);
  if (type === 'Patient') {
    const rows = await deletePatient(room.query, asked, key.id, ifMatch);
    return afterDecision(rows, ({ result }) =>
      result === 'deleted' ? deleted(id, id) : new Refusal((result ?? 'not-found') as RefusalCode),
    );
  }
  const rows = await deleteResource(room.query, asked, key, ifMatch);
  return afterDecision(rows, (row) => {
    if (row.deleted) return deleted(id, row.patient_id);
    if (row.old_version === null) return row.was_deleted ? deleted(id, null) : new Refusal('not-found');
    if (!row.own) return new Refusal('not-own');
    if (row.by_patient) return new Refusal('patient-choice');
    return new Refusal(ifMatch === null ? 'write-contended' : 'version-conflict');
  });
}

function deleted(id: string, patientId: string | null): Answer {
  return { status: 204, body: null, resourceId: id, patients: patientId ? [patientId] : [], count: 1 };
}
