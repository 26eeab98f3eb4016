import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { newResourceId } from '../../../../ids.ts';
import { afterDecision, type Outcome } from '../../../http/answer.ts';
import type { Call } from '../../../http/call.ts';
import { Refusal, successText } from '../../../http/refusal.ts';
import type { RefusalCode } from '../../../http/refusal-codes.ts';
import type { Room } from '../../../room.ts';
import type { DecisionRow } from '../../../store/purview.ts';
import type { Asked } from '../../../store/query.ts';
import { changing } from '../../changing.ts';
import { wholeBody } from '../body-stream.ts';
import { isNdjson, rowsOfBody } from '../rows-of-body.ts';
import { linesOf } from './lines-of.ts';
import { addPart, createJob, setState } from './store.ts';

/** Rows that are worked on, answered and committed together. */
export const PART_ROWS = 2000;
const PART_LENGTH_MAX = 8_000_000;

/**
 * Takes in a registration of any length and answers 202 with the address of its progress (R4 section 3.1.6). It is
 * worked on when all of it is here, as long as the connection stands.
 */
export async function receive(room: Room, call: Call, asked: Asked, dryRun: boolean): Promise<Outcome> {
  const begun = await begin(room, call, asked, dryRun);
  if ('answer' in begun) return begun;
  const { id } = begun;
  try {
    const { rows, parts, hash } = await takeIn(room, call, asked, id);
    if (rows === 0) throw new Refusal('parameters-invalid', { text: 'At least one patient is needed.' });
    const outcome = await changing(
      room,
      call,
      asked,
      async ({ query }) => {
        const decided = await setState(query, asked, id, 'running', { rows, parts });
        return afterDecision(decided, ({ changed }) =>
          changed ? accepted(call, id, rows) : new Refusal('write-contended'),
        );
      },
      { requestHash: hash },
    );
    // Under its Idempotency-Key it had been taken in before: this copy is not needed.
    const own = !(outcome.answer instanceof Refusal) && outcome.answer.resourceId === id;
    if (!own) await setState(room.query, asked, id, 'cancelled');
    return outcome;
  } catch (error) {
    await setState(room.query, asked, id, 'cancelled').catch(() => undefined);
    throw error;
  }
}

const accepted = (call: Call, id: string, rows: number) => ({
  status: 202,
  body: successText(`${rows} rows were taken in; see Content-Location for their progress`),
  headers: { 'content-location': `${call.base}/Patient/$register/${id}` },
  resourceId: id,
  count: rows,
  detail: 'accepted',
});

async function begin(
  room: Room,
  call: Call,
  asked: Asked,
  dryRun: boolean,
): Promise<Outcome | { id: string }> {
  if (room.inTransaction) throw new Refusal('batch-invalid');
  const organisationId = await room.organisationIds.resolve(call.organisation);
  const id = newResourceId(organisationId);
  const { base, requestId, address } = call;
  const rows = await createJob(room.query, asked, { id, base, dryRun, requestId, address, organisationId });
  if (rows[0]?.made) return { id };
  room.organisationIds.forget(call.organisation);
  return afterDecision(rows, ({ right_organisation }) =>
    right_organisation
      ? new Refusal('too-many', {
          text: 'Ten registrations of this system are under way: wait for one to end.',
        })
      : new Refusal('write-contended'),
  );
}

/** Stores what comes, part by part, each with its decision. */
async function takeIn(room: Room, call: Call, asked: Asked, id: string) {
  const hash = createHash('sha256').update(JSON.stringify([call.segments, call.query]));
  const total = { rows: 0, parts: 0 };
  let lines: string[] = [];
  let length = 0;
  const flush = async () => {
    if (lines.length === 0) return;
    const part = {
      number: total.parts + 1,
      firstRow: total.rows + 1,
      rows: lines.length,
      input: lines.join('\n'),
    };
    refuseUnlessAllowed(await addPart(room.query, asked, id, part));
    total.rows += lines.length;
    total.parts += 1;
    lines = [];
    length = 0;
  };
  for await (const line of sentLines(call, (bytes) => hash.update(bytes))) {
    // PostgreSQL's text holds no NUL; in JSON it is as wrong as any other control character.
    lines.push(line.replaceAll('\0', '\u0001'));
    length += line.length;
    if (lines.length === PART_ROWS || length > PART_LENGTH_MAX) await flush();
  }
  await flush();
  return { ...total, hash: hash.digest() };
}

async function* sentLines(call: Call, seen: (bytes: Buffer) => void): AsyncGenerator<string> {
  if (!call.parsed && isNdjson(call)) {
    yield* linesOf(call.body as Buffer | Readable | undefined, seen);
    return;
  }
  const body = await wholeBody(call.body as Buffer | Readable | undefined);
  if (body) seen(body);
  for (const row of rowsOfBody({ ...call, body }, Number.POSITIVE_INFINITY)) {
    yield JSON.stringify((row instanceof Refusal ? null : row.printed()) ?? null);
  }
}

function refuseUnlessAllowed(rows: readonly DecisionRow[]): void {
  const outcome = rows[0]?.outcome;
  if (outcome !== 'allowed') throw new Refusal((outcome ?? 'internal') as RefusalCode);
}
