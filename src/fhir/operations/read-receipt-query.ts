import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, type Each, identifierPart, text } from './answer-each.ts';
import { readParameters } from './read-parameters.ts';

type Found = [
  n: number,
  patientId: string,
  removed: boolean,
  firstRead: string | null,
  visibleFrom: string,
  reportedUnreadable: string | null,
];

const RECEIPTS = `
select ${DECISION}, x.found
  from ${DECIDE} d
  left join lateral (
    select json_agg(json_build_array(f.n, f.patient_id, f.removed, fhir_instant(f.first_read),
                                     fhir_instant(f.visible_from), fhir_instant(f.unreadable))) as found
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_read_receipts($4, $5) f
    offset 0) x on true`;

/**
 * `DocumentReference/$read-receipt-query`: whether, and when, patients first opened letters that the calling
 * organisation sent, by the identifiers it sent them under.
 */
export async function readReceiptQuery({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'DocumentReference', '$read-receipt-query');
  const { identifiers } = readParameters(call, { list: 'documentIdentifier', max: 5000, systemless: true });
  const rows = await query<DecisionRow & { found: Found[] | null }>('operation-receipts', RECEIPTS, [
    ...asked,
    identifiers.map(({ system }) => system),
    identifiers.map(({ value }) => value),
  ]);
  return afterDecision(rows, ({ found }) => {
    const byPlace = Map.groupBy(found ?? [], ([n]) => n - 1);
    return answerEach('readReceipt', identifiers, (identifier, n) => {
      const { outcome, parts, patientId } = receiptOf(byPlace.get(n));
      return { outcome, patientId, parts: `${identifierPart('documentIdentifier', identifier)},${parts}` };
    });
  });
}

function receiptOf([found, another]: readonly Found[] = []): Each {
  if (!found) return { outcome: 'not-found', parts: text('diagnostics', 'Not found') };
  if (another) {
    const parts = text('diagnostics', 'Letters of several patients have this identifier: give each its own');
    return { outcome: 'multiple-matches', parts };
  }
  const [, patientId, removed, firstRead, visibleFrom, unreadable] = found;
  const at = (name: string, value: string) => `,{"name":"${name}","valueDateTime":"${value}"}`;
  return {
    outcome: removed ? 'withdrawn' : 'found',
    patientId,
    parts:
      `{"name":"read","valueBoolean":${firstRead !== null}}` +
      (firstRead ? at('firstRead', firstRead) : '') +
      (unreadable ? at('reportedUnreadable', unreadable) : '') +
      at('visibleFrom', visibleFrom),
  };
}
