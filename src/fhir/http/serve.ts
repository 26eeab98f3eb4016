import type { AuditEntry } from '../../audit/audit.ts';
import { isUnavailable } from '../../database/unavailable.ts';
import { create } from '../interactions/create.ts';
import { remove } from '../interactions/delete.ts';
import { history } from '../interactions/history.ts';
import { read, vread } from '../interactions/read.ts';
import { search } from '../interactions/search.ts';
import { update } from '../interactions/update.ts';
import { updateConditional } from '../interactions/update-conditional.ts';
import { operationOf } from '../operations/operations.ts';
import type { Room } from '../room.ts';
import { decideOnly } from '../store/decide-only.ts';
import type { DecisionRow } from '../store/purview.ts';
import { subscriptionOf } from '../subscriptions/subscription-target.ts';
import type { Answer, Outcome } from './answer.ts';
import { askedBy, type Call, isBundle } from './call.ts';
import { checkAccepted } from './formats.ts';
import { wantsContent } from './native-content.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusal-codes.ts';
import { type Interaction, type Target, targetOf } from './target.ts';

type Act = (room: Room, call: Call, target: Target) => Promise<Outcome>;

const ACTS: Record<Interaction, { act: Act; letter: string }> = {
  read: { act: read, letter: 'r' },
  vread: { act: vread, letter: 'r' },
  'history-instance': { act: history, letter: 'r' },
  'search-type': { act: search, letter: 's' },
  create: { act: create, letter: 'c' },
  update: { act: update, letter: 'u' },
  'update-conditional': { act: updateConditional, letter: 'u' },
  delete: { act: remove, letter: 'd' },
};

/** What is answered, and the facts for its audit record. */
export type Served = {
  answer: Answer | Refusal;
  decision: DecisionRow | null;
  entry: Pick<AuditEntry, 'interaction' | 'resourceType' | 'resourceId'>;
  /** The permission that the interaction needs: `Observation.r`. */
  needed?: string;
  /** The entries of a Bundle, each of which has an audit record of its own. */
  parts?: { call: Call; served: Served; detail: string }[];
};

/**
 * Serves one request that needs a token. Whatever is wrong with a request, whether the caller may ask comes first: a
 * refusal that is known before the decision is held back until the decision is made.
 */
export async function serve(room: Room, call: Call): Promise<Served> {
  const entry: Served['entry'] = { interaction: 'unknown' };
  let needed: string | undefined;
  try {
    const aim = aimOf(room, call);
    const { interaction, type, letter, act } = aim;
    Object.assign(entry, entryOf(aim));
    if (letter) needed = `${type}.${letter}`;
    if (!wantsContent(call, type, interaction)) {
      checkAccepted(call, new URLSearchParams(call.query).get('_format'));
    }
    if (call.named === undefined) throw new Refusal('organisation-missing');
    return { entry, needed, ...(await act(room, call)) };
  } catch (error) {
    return { entry, needed, ...(await refused(room, call, error, needed)) };
  }
}

const aimOf = (room: Room, call: Call) =>
  operationOf(call) ?? subscriptionOf(call) ?? interactionOf(room, call);

function interactionOf(room: Room, call: Call) {
  const target = targetOf(call, room.definitions);
  const { act, letter } = ACTS[target.interaction];
  return { ...target, letter, act: (inRoom: Room, asked: Call) => act(inRoom, asked, target) };
}

type Aim = { interaction: string; type: string; id: string };

const entryOf = ({ interaction, type, id }: Aim): Served['entry'] => ({
  interaction,
  resourceType: type || null,
  resourceId: id === '_search' ? null : id || null,
});

/** For what went wrong before there was anything to serve. */
export async function serveRefusal(room: Room, call: Call, error: unknown): Promise<Served> {
  return unserved(room, call, await refused(room, call, error, undefined));
}

/** A request that was answered for, without being served: what it was aimed at is kept all the same. */
export function unserved(
  room: Room,
  call: Call,
  { answer, decision }: Pick<Served, 'answer' | 'decision'>,
): Served {
  try {
    return { answer, decision, entry: entryOf(aimOf(room, call)) };
  } catch {
    return { answer, decision, entry: { interaction: 'unknown' } };
  }
}

/**
 * Asks who calls, and nothing else: undefined for a caller who is known, whatever the caller may do, else what is
 * answered without a look at the body.
 */
export async function serveUnknown(room: Room, call: Call): Promise<Served | undefined> {
  const served = await serveRefusal(room, call, new Refusal('token-invalid'));
  if (served.decision?.client_id) return undefined;
  return isBundle(call) ? { ...served, entry: { interaction: 'batch' } } : served;
}

/** Nobody's grant was asked for, or nobody's: what is said is that no organisation was named. */
const NAMELESS = new Set(['connection-none', 'organisation-mismatch']);

async function refused(room: Room, call: Call, error: unknown, needed: string | undefined) {
  if (!(error instanceof Refusal)) return { answer: faultOf(room, call, error), decision: null };
  // In a transaction it was asked at its beginning, and the connection may be good for nothing now but a rollback.
  if (error.code === 'token-missing' || room.inTransaction) return { answer: error, decision: null };
  try {
    // Without an interaction there is no permission to ask for: then it is only about the token and the connection.
    const [type = '', letter = ''] = (needed ?? '.').split('.');
    const decision = await decideOnly(room.query, askedBy(call, type, letter));
    const { outcome } = decision;
    const stands = outcome === 'allowed' || (outcome === 'scope-insufficient' && !needed);
    const nameless = call.named === undefined && NAMELESS.has(outcome);
    const answer = nameless
      ? new Refusal('organisation-missing')
      : stands
        ? error
        : new Refusal(outcome as RefusalCode);
    return { answer, decision };
  } catch (failure) {
    const answer = failure instanceof Refusal ? failure : faultOf(room, call, failure);
    return { answer, decision: null };
  }
}

/** The database away or overloaded, or a mistake of ours: neither says anything about data. */
export function faultOf({ context }: Room, call: Pick<Call, 'requestId'>, error: unknown): Refusal {
  if (isUnavailable(error)) return new Refusal('unavailable', { headers: { 'retry-after': '5' } });
  if (CONTENDED.has((error as { code?: string } | null)?.code ?? '')) return new Refusal('write-contended');
  context.log.error({ err: error, requestId: call.requestId }, 'a FHIR request failed');
  return new Refusal('internal');
}

/** Serialisation failures and deadlocks: of two who change the same at once, one is undone. */
const CONTENDED = new Set(['40001', '40P01']);
