import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { ifMatchOf } from '../http/if-match.ts';
import { Refusal } from '../http/refusal.ts';
import type { RefusalCode } from '../http/refusal-codes.ts';
import type { Target } from '../http/target.ts';
import { writtenAnswer } from '../http/written.ts';
import { checkAddresses } from '../incoming/attachment-addresses.ts';
import { checkAttachments } from '../incoming/attachments.ts';
import { identityOf } from '../incoming/identity.ts';
import { type Incoming, incoming } from '../incoming/incoming.ts';
import { underContext } from '../incoming/security-context.ts';
import type { Room } from '../room.ts';
import { type UpdateRow, updateResource } from '../store/write.ts';
import { keyOf } from './read.ts';

/** Update (R4 section 3.1.0.4) of what exists: the server gives the ids, so PUT never creates by id. */
export async function update(room: Room, call: Call, { type, id }: Target): Promise<Outcome> {
  askedBy(call, type, 'u'); // refuses a missing token before the body is looked at
  const sent = incoming(room, call, type, id);
  if (sent.resource.id !== id) throw new Refusal('id-mismatch');
  return updateExisting(room, call, type, id, sent, undefined);
}

/** How often another's write in between is stepped over before the caller is told. */
const ATTEMPTS_MAX = 5;

export async function updateExisting(
  room: Room,
  call: Call,
  type: string,
  id: string,
  given: Incoming,
  onceKey: string | undefined,
): Promise<Outcome> {
  const key = keyOf(type, id);
  const sent = await underContext(room, call, 'u', given, key.id);
  await checkAttachments(room, sent);
  await checkAddresses(room, call, 'u', sent);
  const identity = type === 'Patient' ? identityOf(sent.resource) : null;
  const asked = askedBy(call, type, 'u');
  const ifMatch = ifMatchOf(call);
  for (let attempt = 1; ; attempt++) {
    const organisationId = await room.organisationIds.resolve(call.organisation);
    const { resource, printed, label } = sent;
    const patientId = type === 'Patient' ? key.id : sent.patientId;
    const row = room.buildRow({ resource, printed, id: key.id, label, organisationId, patientId, onceKey });
    let rows: UpdateRow[];
    try {
      rows = await updateResource(room.query, asked, row, ifMatch, identity);
    } catch (error) {
      const code = REFUSED_BY_DATABASE[(error as { code?: string }).code ?? ''];
      if (!code) throw error;
      throw new Refusal(code);
    }
    const outcome = afterDecision(rows, (updated) => answerOf(call, type, id, updated, ifMatch));
    const lost = outcome.answer instanceof Refusal && outcome.answer.code === 'write-contended';
    if (!lost || attempt === ATTEMPTS_MAX) return outcome;
    room.organisationIds.forget(call.organisation);
  }
}

/** What fhir_keep_patient() raises (migration 0004). */
const REFUSED_BY_DATABASE: Partial<Record<string, RefusalCode>> = {
  CSP01: 'identifier-conflict',
  CSP02: 'identifier-in-use',
};

function answerOf(call: Call, type: string, id: string, row: UpdateRow, ifMatch: number | null) {
  if (row.old_version === null) return new Refusal('not-found');
  if (!row.own) return new Refusal('not-own');
  if (row.by_patient) return new Refusal('patient-choice');
  if (!row.label_covered) return new Refusal('label-not-covered');
  if (ifMatch !== null && ifMatch !== row.old_version) return new Refusal('version-conflict');
  if (!row.same_patient) return new Refusal('patient-fixed');
  const { version, updated_at: updatedAt, content } = row;
  if (version === null || updatedAt === null) {
    return new Refusal(ifMatch === null ? 'write-contended' : 'version-conflict');
  }
  return writtenAnswer(call, 200, { type, id, version, updatedAt, content, patientId: row.patient_id });
}
