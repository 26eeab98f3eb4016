import type { FastifyReply } from 'fastify';
import { type AuditEntry, describeQuery, hashNumbers, hashPersonal } from '../../audit/audit.ts';
import { isUuid } from '../../ids.ts';
import type { Room } from '../room.ts';
import type { Answer } from './answer.ts';
import { type Call, parametersOf } from './call.ts';
import { FHIR_JSON } from './formats.ts';
import { namedInBody } from './named-in-body.ts';
import { namedPatients, numbersAsked } from './named-patients.ts';
import { outcomeText, Refusal } from './refusal.ts';
import type { RefusalCode } from './refusal-codes.ts';
import type { Served } from './serve.ts';
import { type Pace, takingTurns } from './taking-turns.ts';

/** Sends an answer once its audit record is durable. Without the record nothing leaves but 503. */
export async function finish(
  room: Room,
  call: Call,
  reply: FastifyReply,
  served: Served,
): Promise<FastifyReply> {
  const { answer } = served;
  const body = encoded(bodyOf(answer, call));
  const bytes = body === null ? 0 : Buffer.byteLength(body);
  try {
    const entries = await entriesOf(room, call, served, bytes);
    await Promise.all(entries.map((entry) => room.context.audit.record(entry)));
  } catch (error) {
    room.context.log.error({ err: error, requestId: call.requestId }, 'an audit record could not be written');
    const refusal = new Refusal('unavailable', { headers: { 'retry-after': '5' } });
    return send(reply, refusal, outcomeText(refusal, call.requestId));
  }
  return send(reply, answer, body, served);
}

const ENCODED_FROM = 16_384;

/** A long text as the bytes that are sent: measured, joined with the headers and written it would be copied each time. */
function encoded(body: string | Buffer | null): string | Buffer | null {
  return typeof body === 'string' && body.length > ENCODED_FROM ? Buffer.from(body) : body;
}

function bodyOf(answer: Answer | Refusal, call: Call): string | Buffer | null {
  return answer instanceof Refusal ? outcomeText(answer, call.requestId) : (answer.content ?? answer.body);
}

/** One for the whole, and one for each entry of a Bundle. */
async function entriesOf(room: Room, call: Call, served: Served, bytes: number): Promise<AuditEntry[]> {
  const pace = takingTurns();
  const entries: AuditEntry[] = [entryOf(room, call, served, bytes, await inBody(call, served, pace))];
  for (const part of served.parts ?? []) {
    entries.push(partEntryOf(room, part, served.answer, await inBody(part.call, part.served, pace)));
  }
  return entries;
}

type InBody = Awaited<ReturnType<typeof namedInBody>>;
const NOBODY: InBody = { numbers: [], ids: [] };

/** Looked for where it is told: in what a known caller was refused, entry by entry where it has entries. */
const inBody = (call: Call, { answer, decision, parts }: Served, pace: Pace): InBody | Promise<InBody> =>
  decision?.client_id && answer instanceof Refusal && !parts ? namedInBody(call, pace) : NOBODY;

function entryOf(room: Room, call: Call, served: Served, bytes: number, inItsBody: InBody) {
  const { answer, decision, entry } = served;
  const refused = answer instanceof Refusal;
  return {
    ...entry,
    resourceId: shownId(room, (refused ? undefined : answer.resourceId) ?? entry.resourceId),
    kind: 'fhir' as const,
    outcome: refused ? answer.code : 'allowed',
    status: answer.status,
    requestId: call.requestId,
    address: call.address,
    clientId: decision?.client_id,
    connectionId: decision?.connection_id,
    organisationId: decision?.organisation_id,
    query: queryOf(room, call),
    named: namedOf(room, call, served, inItsBody),
    ...(refused
      ? {
          patients: namedPatients(call),
          detail: answer.issues.map(({ diagnostics }) => diagnostics).join('; ') || null,
        }
      : {
          patients: answer.patients,
          count: answer.count,
          ...(answer.detail !== undefined && { detail: answer.detail }),
        }),
    bytes,
  };
}

/**
 * Whom a request named and of whom it touched nothing. One whose caller is not known is left out: a number is easily
 * guessed, and anybody could fill the patients' lists.
 */
function namedOf(
  { context }: Room,
  call: Call,
  { answer, decision, entry, parts }: Served,
  { numbers: sent, ids }: InBody,
): string[] {
  const hashed = (numbers: readonly string[]) => hashNumbers(context.secrets, numbers);
  if (!decision?.client_id) return [];
  // Whom its entries name, their own records say.
  if (parts) return [];
  if (answer instanceof Refusal) {
    return [...ids, ...hashed([...new Set([...numbersAsked(call), ...sent])])];
  }
  if (entry.interaction !== 'search-type') return hashed(answer.missed ?? []);
  const touched = new Set(answer.patients);
  const numbers = numbersAsked(call);
  return [
    ...namedPatients(call).filter((id) => !touched.has(id)),
    // Whose they are is not known here: where there are as many patients as numbers, all were found.
    ...(numbers.length > touched.size ? hashed(numbers) : []),
  ];
}

/** Every id is one of ours; what else stands in an address where one belongs may be a patient's number. */
function shownId({ context }: Room, id: string | null | undefined): string | null | undefined {
  return id == null || isUuid(id.toLowerCase()) ? id : hashPersonal(context.secrets, id);
}

function partEntryOf(
  room: Room,
  { call, served, detail }: NonNullable<Served['parts']>[number],
  whole: Served['answer'],
  inItsBody: InBody,
) {
  // What was refused with the whole has no answer of its own.
  const bytes = served.answer === whole ? 0 : Buffer.byteLength(bodyOf(served.answer, call) ?? '');
  const entry = entryOf(room, call, served, bytes, inItsBody);
  return { ...entry, detail: [detail, 'detail' in entry && entry.detail].filter(Boolean).join('; ') };
}

/** The search parameters, or the condition of a create, personal values hashed; a form that is none is not read. */
function queryOf({ context }: Room, call: Call): string | null {
  let parameters: [string, string][];
  try {
    parameters = parametersOf(call);
  } catch {
    parameters = [...new URLSearchParams(call.query)];
  }
  // A create looks for what is there already, which takes a permission of its own (audit/used-permissions).
  const condition = call.headers['if-none-exist'];
  if (condition !== undefined) parameters.unshift(['if-none-exist', String(condition)]);
  return parameters.length > 0 ? describeQuery(context.secrets, parameters) : null;
}

function send(
  reply: FastifyReply,
  answer: Answer | Refusal,
  body: string | Buffer | null,
  served?: Served,
): FastifyReply {
  reply.code(answer.status).header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  if (body !== null) reply.header('content-type', FHIR_JSON);
  if (answer instanceof Refusal) {
    const challenge = challengeOf(answer.code, served);
    if (challenge) reply.header('www-authenticate', challenge);
  }
  for (const name in answer.headers) reply.header(name, answer.headers[name]);
  return reply.send(body ?? undefined);
}

/** RFC 6750 section 3. */
function challengeOf(code: RefusalCode, served: Served | undefined): string | undefined {
  if (code === 'token-missing') return 'Bearer realm="FHIR"';
  if (code === 'token-invalid') return 'Bearer realm="FHIR", error="invalid_token"';
  if (code !== 'scope-insufficient') return undefined;
  const scope = served?.needed ? `, scope="system/${served.needed}"` : '';
  return `Bearer realm="FHIR", error="insufficient_scope"${scope}`;
}
