import type { Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Target } from '../http/target.ts';
import { conditionKey } from '../incoming/condition.ts';
import { incoming } from '../incoming/incoming.ts';
import type { Room } from '../room.ts';
import { once } from './create-once.ts';
import { updateExisting } from './update.ts';

/**
 * Update of whatever has the identifier, or create (R4 section 3.1.0.4.3): a sender can send the same again and again.
 */
export async function updateConditional(room: Room, call: Call, { type }: Target): Promise<Outcome> {
  askedBy(call, type, 'u'); // refuses a missing token before the body is looked at
  const sent = incoming(room, call, type);
  const key = conditionKey(room, type, call.query, sent.resource);
  return once(room, call, type, key, sent, async ({ id, ...decision }) => {
    if (sent.resource.id !== undefined && sent.resource.id !== id) {
      return { decision, answer: new Refusal('id-mismatch') };
    }
    const outcome = await updateExisting(room, call, type, id!, sent, key);
    const vanished = outcome.answer instanceof Refusal && outcome.answer.code === 'not-found';
    return vanished ? undefined : outcome;
  });
}
