import { newResourceId, newRootId } from '../../ids.ts';
import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
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
import { GENERAL_HEALTH } from '../store/labels.ts';
import { insertPatient } from '../store/write.ts';
import { createOnce } from './create-once.ts';

/** Create (R4 section 3.1.0.8), conditional with If-None-Exist (section 3.1.0.8.1). */
export async function create(room: Room, call: Call, { type }: Target): Promise<Outcome> {
  askedBy(call, type, 'c'); // refuses a missing token before the body is looked at
  const condition = call.headers['if-none-exist'];
  const sent = incoming(room, call, type);
  if (condition !== undefined) return createOnce(room, call, type, sent, String(condition));
  return createNew(room, call, type, sent);
}

/** An outcome whose answer is undefined: the once key was taken meanwhile, look again. */
export type Attempt = Omit<Outcome, 'answer'> & { answer: Outcome['answer'] | undefined };

/** Creates what was sent under a new id, which carries the routing key of whom it belongs to. */
export async function createNew(room: Room, call: Call, type: string, sent: Incoming): Promise<Outcome> {
  const { decision, answer } = await tryCreate(room, call, type, sent, undefined);
  return { decision, answer: answer ?? new Refusal('write-contended') };
}

export async function tryCreate(
  room: Room,
  call: Call,
  type: string,
  given: Incoming,
  onceKey: string | undefined,
): Promise<Attempt> {
  const sent = await underContext(room, call, 'c', given);
  await checkAttachments(room, sent);
  await checkAddresses(room, call, 'c', sent);
  const attempt = type === 'Patient' ? tryCreatePatient : tryCreateResource;
  const first = await attempt(room, call, type, sent, onceKey);
  if (!first.wrongOrganisation) return first;
  // The ODS code has moved to another organisation since it was looked up.
  room.organisationIds.forget(call.organisation);
  return attempt(room, call, type, sent, onceKey);
}

type Try = Attempt & { wrongOrganisation?: boolean };

async function tryCreateResource(
  room: Room,
  call: Call,
  type: string,
  { resource, printed, patientId, label = GENERAL_HEALTH }: Incoming,
  onceKey: string | undefined,
): Promise<Try> {
  const organisationId = await room.organisationIds.resolve(call.organisation);
  const id = call.newId ?? newResourceId(patientId ?? organisationId);
  const row = room.buildRow({ resource, printed, id, version: 1, label, organisationId, patientId, onceKey });
  const made = await room.createOne(askedBy(call, type, 'c'), row);
  const outcome = afterDecision([made], (result) => {
    if (!result.label_covered) return new Refusal('label-not-covered');
    if (!result.registered) return new Refusal('patient-unknown');
    const { version, updated_at: updatedAt, content } = result;
    if (version === null || updatedAt === null) return new Refusal('write-contended');
    return writtenAnswer(call, 201, { type, id, version, updatedAt, content, patientId });
  });
  if (made.outcome === 'allowed' && made.label_covered && made.registered && made.version === null) {
    return { ...outcome, answer: undefined, wrongOrganisation: !made.right_organisation };
  }
  return outcome;
}

async function tryCreatePatient(
  room: Room,
  call: Call,
  type: string,
  { resource, printed, label = GENERAL_HEALTH }: Incoming,
  onceKey: string | undefined,
): Promise<Try> {
  const identity = identityOf(resource);
  const organisationId = await room.organisationIds.resolve(call.organisation);
  const id = newRootId();
  const row = room.buildRow({
    resource,
    printed,
    id,
    version: 1,
    label,
    organisationId,
    patientId: id,
    onceKey,
  });
  const rows = await insertPatient(room.query, askedBy(call, type, 'c'), row, identity);
  const made = rows[0];
  const outcome = afterDecision(rows, (result) => {
    if (!result.label_covered) return new Refusal('label-not-covered');
    if (result.result === null || result.result === 'repeated') return new Refusal('write-contended');
    const { id: known, version, updated_at: updatedAt, content } = result;
    if (known === null || version === null || updatedAt === null)
      return new Refusal(result.result as RefusalCode);
    const written = { type, id: known, version, updatedAt, content, patientId: known };
    return writtenAnswer(call, result.result === 'created' ? 201 : 200, written);
  });
  if (
    made?.outcome === 'allowed' &&
    made.label_covered &&
    (made.result === null || made.result === 'repeated')
  ) {
    return { ...outcome, answer: undefined, wrongOrganisation: !made.right_organisation };
  }
  return outcome;
}
