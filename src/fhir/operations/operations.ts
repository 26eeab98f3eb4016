import type { Outcome } from '../http/answer.ts';
import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Room } from '../room.ts';
import { dateOfLastDataPoint } from './date-of-last-data-point.ts';
import { generateInvitationTokens } from './generate-invitation-tokens.ts';
import { readReceiptQuery } from './read-receipt-query.ts';
import { progress, result } from './registering/jobs/progress.ts';
import { processMessage } from './registering/process-message.ts';
import { register } from './registering/register.ts';
import { statusQuery } from './status-query.ts';

/** One of our operations on a type (R4 section 3.2), by the name of its permission. */
export type Operation = {
  act: (room: Room, call: Call) => Promise<Outcome>;
  methods: readonly string[];
};

const OPERATIONS: Record<string, Operation | undefined> = {
  __proto__: null as never,
  'Patient.$process-message': { act: processMessage, methods: ['POST'] },
  'Patient.$register': { act: register, methods: ['POST'] },
  'Patient.$status-query': { act: statusQuery, methods: ['POST'] },
  'Patient.$date-of-last-data-point': { act: dateOfLastDataPoint, methods: ['POST'] },
  'Organization.$generate-invitation-tokens': { act: generateInvitationTokens, methods: ['POST'] },
  'DocumentReference.$read-receipt-query': { act: readReceiptQuery, methods: ['POST'] },
};

/** What belongs to an operation, at further addresses beneath it. */
const BENEATH: Record<string, readonly (Operation | undefined)[]> = {
  __proto__: null as never,
  'Patient.$register': [
    { act: progress, methods: ['GET', 'HEAD', 'DELETE'] },
    { act: result, methods: ['GET', 'HEAD'] },
  ],
};

/**
 * What a request for an operation is aimed at: the same that the other interactions give for theirs. Undefined when it
 * is for no operation of ours. Identifiers of patients belong in no address, so all are by POST.
 */
export function operationOf({ method, segments }: Pick<Call, 'method' | 'segments'>) {
  const [type = '', name = '', ...beneath] = segments;
  if (!name.startsWith('$')) return undefined;
  const permission = `${type}.${name}`;
  const operation = beneath.length === 0 ? OPERATIONS[permission] : BENEATH[permission]?.[beneath.length - 1];
  if (!operation) return undefined;
  if (!operation.methods.includes(method)) {
    throw new Refusal('method-not-allowed', { headers: { allow: operation.methods.join(', ') } });
  }
  return { interaction: name, type, id: beneath[0] ?? '', letter: name, act: operation.act };
}
