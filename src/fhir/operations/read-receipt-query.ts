import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, type Each, identifierPart, text } from './answer-each.ts';
import { readParameters } from './read-parameters.ts';

type Found = [
  n: number,
  patientId: string,
  letters: number,
  removed: boolean,
  firstRead: string | null,
  visibleFrom: string,
  reportedUnreadable: string | null,
];

// The newest letter of each patient under the identifier; of several patients only that they are several.
const RECEIPTS = `
select ${DECISION}, x.found
  from ${DECIDE} d
  left join lateral (
    select json_agg(json_build_array(f.n, f.patient_id, f.letters, f.removed, f.first_read, f.visible_from, f.unreadable))
             as found
      from (select k.n, min(l.patient_id::text) as patient_id, count(*) as letters, bool_or(l.removed_at is not null) as removed,
                   fhir_instant(min(l.first_read_at)) as first_read, fhir_instant(min(l.visible_from)) as visible_from,
                   fhir_instant(min(l.reported_unreadable_at)) as unreadable
              from unnest($4::text[], $5::text[]) with ordinality k(system, value, n)
              join letter_identifier w on w.organisation_id = d.organisation_id and w.value = k.value
                                      and (k.system = '' or w.system = k.system)
              join letter l on l.route = w.route and l.id = w.letter_id
             where d.outcome = 'allowed' and l.organisation_id = d.organisation_id and (d.labels >> l.label) & 1 = 1
               and exists (select from registration g
                            where g.route = l.route and g.patient_id = l.patient_id
                              and g.organisation_id = d.organisation_id and (d.teams is null or g.teams && d.teams))
             group by k.n) f
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
    const byPlace = new Map(found?.map((one) => [one[0] - 1, one]));
    return answerEach('readReceipt', identifiers, (identifier, n) => {
      const { outcome, parts, patientId } = receiptOf(byPlace.get(n));
      return { outcome, patientId, parts: `${identifierPart('documentIdentifier', identifier)},${parts}` };
    });
  });
}

function receiptOf(found: Found | undefined): Each {
  if (!found) return { outcome: 'not-found', parts: text('diagnostics', 'Not found') };
  const [, patientId, letters, removed, firstRead, visibleFrom, unreadable] = found;
  if (letters > 1) {
    const parts = text('diagnostics', 'Letters of several patients have this identifier: give each its own');
    return { outcome: 'multiple-matches', parts };
  }
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
