import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, identifierPart, text } from './answer-each.ts';
import { nationalLookup, UNUSABLE_WORDS } from './national-lookup.ts';
import { readParameters } from './read-parameters.ts';

type Found = [n: number, patientId: string, at: string | null];

const LAST = `
select ${DECISION}, x.found
  from ${DECIDE} d
  left join lateral (
    select json_agg(json_build_array(f.n, f.patient_id, fhir_instant(f.at))) as found
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_last_data_points($4, $5, $6, $7) f
    offset 0) x on true`;

/** `Patient/$date-of-last-data-point`: when a record was last added to, so that nobody need fetch it to find out. */
export async function dateOfLastDataPoint({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$date-of-last-data-point');
  const { identifiers } = readParameters(call, { list: 'patientIdentifier', max: 500 });
  const { unusable, values } = nationalLookup(identifiers);
  const rows = await query<DecisionRow & { found: Found[] | null }>('operation-last-data', LAST, [
    ...asked,
    ...values,
  ]);
  return afterDecision(rows, ({ found }) => {
    const byPlace = new Map(found?.map((one) => [one[0], one]));
    return answerEach('lastDataPointsResult', identifiers, (identifier, n) => {
      const named = identifierPart('patientIdentifier', identifier);
      const fault = unusable.get(n);
      const said = (words: string) => `${named},${text('diagnostics', words)}`;
      const one = byPlace.get(n);
      if (!one) {
        return {
          outcome: fault ?? 'not-found',
          parts: said(fault ? UNUSABLE_WORDS[fault] : 'Not found'),
        };
      }
      const [, patientId, at] = one;
      return at === null
        ? {
            outcome: 'no-data',
            patientId,
            parts: said('Nothing has been written that this connection can see'),
          }
        : {
            outcome: 'found',
            patientId,
            parts: `${named},{"name":"lastRecordUpdate","valueDateTime":"${at}"}`,
          };
    });
  });
}
