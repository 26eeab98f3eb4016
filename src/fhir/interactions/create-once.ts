import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import { writtenAnswer } from '../http/written.ts';
import { conditionKey } from '../incoming/condition.ts';
import type { Incoming } from '../incoming/incoming.ts';
import type { Room } from '../room.ts';
import { type MatchRow, matchIdentifier } from '../store/match.ts';
import { tryCreate } from './create.ts';

/** How often a resource that others make and take away at the same time is looked for again. */
const ATTEMPTS_MAX = 5;

/**
 * Creates unless there is one with the identifier: however often and concurrently it is sent, there is one. It tells
 * what exists, so it needs the permission to search as well.
 */
export async function createOnce(
  room: Room,
  call: Call,
  type: string,
  sent: Incoming,
  condition: string,
): Promise<Outcome> {
  return once(room, call, type, conditionKey(room, type, condition, sent.resource), sent, async (match) =>
    afterDecision([match], ({ id, version, updated_at: updatedAt, content, patient_id: patientId }) =>
      writtenAnswer(call, 200, {
        type,
        id: id!,
        version: version!,
        updatedAt: updatedAt!,
        content,
        patientId,
      }),
    ),
  );
}

/** Looks for the one that has the key and gives it to `onMatch`, or creates; undefined from either: look again. */
export async function once(
  room: Room,
  call: Call,
  type: string,
  key: string,
  sent: Incoming,
  onMatch: (match: MatchRow) => Promise<Outcome | undefined>,
): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const rows = await matchIdentifier(room.query, askedBy(call, type, 's'), type, key);
    const [match] = rows;
    if (match?.outcome !== 'allowed' || match.matches > 1) {
      return afterDecision(rows, () => new Refusal('multiple-matches'));
    }
    const { decision, answer } =
      match.matches === 1
        ? ((await onMatch(match)) ?? { decision: match, answer: undefined })
        : await tryCreate(room, call, type, sent, key);
    if (answer) return { decision, answer };
    if (attempt === ATTEMPTS_MAX) return { decision, answer: new Refusal('write-contended') };
  }
}
