import { STATUS_CODES } from 'node:http';
import type { Answer } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { checkAccepted } from '../http/formats.ts';
import { outcomeText, Refusal } from '../http/refusal.ts';
import { type Served, serve, serveRefusal, unserved } from '../http/serve.ts';
import type { Room } from '../room.ts';
import type { DecisionRow } from '../store/purview.ts';
import { type Part, parseBundle } from './parse-bundle.ts';
import { type Done, runTransaction } from './run-transaction.ts';

/** A batch or transaction at the base (R4 section 3.1.0.11). Each entry has an audit record, and the whole has one. */
export async function serveBundle(room: Room, call: Call): Promise<Served> {
  let interaction = 'batch';
  let parts: Part[] = [];
  let decision: DecisionRow | null = null;
  const whole = (served: Pick<Served, 'answer' | 'decision'>): Served => {
    const { answer } = served;
    const by = served.decision ?? decision;
    return { entry: { interaction }, answer, decision: by, parts: undone(room, parts, answer, by) };
  };
  try {
    checkAccepted(call, new URLSearchParams(call.query).get('_format'));
    if (call.named === undefined) throw new Refusal('organisation-missing');
    const bundle = parseBundle(room, call);
    ({ type: interaction, parts } = bundle);
    // Whether the caller may ask at all comes first; what an entry may do is decided with the entry.
    const asked = await serveRefusal(room, call, new Refusal('batch-invalid'));
    if (asked.answer instanceof Refusal && asked.answer.code !== 'batch-invalid') return whole(asked);
    decision = asked.decision;
    const done = bundle.type === 'batch' ? await runBatch(room, parts) : await runTransaction(room, parts);
    return done instanceof Refusal
      ? whole({ answer: done, decision })
      : servedOf(interaction, call, done, decision);
  } catch (error) {
    return whole(await serveRefusal(room, call, error));
  }
}

/**
 * The entries of a Bundle that was refused whole, or undone, each with what the whole was refused with: every one was an
 * attempt, whomever it was about. Of callers whom nobody knows none are kept, as elsewhere.
 */
function undone(
  room: Room,
  parts: readonly Part[],
  answer: Served['answer'],
  decision: DecisionRow | null,
): Served['parts'] {
  if (!decision?.client_id || parts.length === 0) return undefined;
  return parts.map(({ call, at }) => ({
    call,
    served: unserved(room, call, { answer, decision }),
    detail: `entry ${at + 1}`,
  }));
}

/** How many entries of a batch are under way at once: its order means nothing, and others want the database too. */
const CONCURRENT = 4;

/** Each entry by itself: one that is refused leaves the others alone. */
async function runBatch(room: Room, parts: readonly Part[]): Promise<Done[]> {
  const done: Done[] = new Array(parts.length);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < parts.length; at = next++) {
      const part = parts[at]!;
      done[at] = { part, served: await serve(room, part.call) };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
  return done;
}

function servedOf(
  interaction: string,
  call: Call,
  done: readonly Done[],
  decision: DecisionRow | null,
): Served {
  const entries = done.map(({ part, served }) => entryText(served.answer, part.call));
  const body =
    `{"resourceType":"Bundle","type":"${interaction}-response",` +
    `"link":[${JSON.stringify({ relation: 'self', url: call.base })}]` +
    `${entries.length > 0 ? `,"entry":[${entries.join(',')}]` : ''}}`;
  return {
    entry: { interaction },
    decision,
    answer: { status: 200, body, count: done.length },
    parts: done.map(({ part, served }) => ({ call: part.call, served, detail: `entry ${part.at + 1}` })),
  };
}

function entryText(answer: Answer | Refusal, call: Call): string {
  const { status, headers = {} } = answer;
  const refused = answer instanceof Refusal;
  const modified = headers['last-modified'];
  const response = JSON.stringify({
    status: `${status} ${STATUS_CODES[status]}`,
    location: headers.location,
    etag: headers.etag,
    lastModified: modified && new Date(modified).toISOString(),
  });
  const body = refused ? outcomeText(answer, call.requestId) : (answer.body?.toString() ?? null);
  if (body === null || call.method === 'HEAD') return `{"response":${response}}`;
  const isOutcome = refused || body.startsWith('{"resourceType":"OperationOutcome"');
  return isOutcome
    ? `{"response":${response.slice(0, -1)},"outcome":${body}}}`
    : `{"resource":${body},"response":${response}}`;
}
