import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, identifierWriter, text } from './answer-each.ts';
import { entriesOf, firstByPlace, NULL, writeInstant } from './lists.ts';
import { nationalLookup, UNUSABLE_WORDS } from './national-lookup.ts';
import { readParameters } from './read-parameters.ts';

type Row = DecisionRow & Record<'places' | 'patients' | 'at', string | null>;

const LAST = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select f.places::text, f.patients::text, f.at::text
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_last_data_points($4, $5, $6, $7) f
    offset 0) x on true`;

/** `Patient/$date-of-last-data-point`: when a record was last added to, so that nobody need fetch it to find out. */
export async function dateOfLastDataPoint({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$date-of-last-data-point');
  const { identifiers } = readParameters(call, { list: 'patientIdentifier', max: 500 });
  const { unusable, values } = nationalLookup(identifiers);
  const rows = await query<Row>('operation-last-data', LAST, [...asked, ...values]);
  return afterDecision(rows, (row) => {
    const first = firstByPlace(entriesOf(row.places), identifiers.length);
    const [patients, times] = [row.patients, row.at].map(entriesOf);
    const written = identifierWriter('patientIdentifier');
    return answerEach('lastDataPointsResult', identifiers, (identifier, n) => {
      const named = written(identifier);
      const fault = unusable.get(n);
      const said = (words: string) => `${named},${text('diagnostics', words)}`;
      const at = first[n]!;
      if (at < 0) {
        return {
          outcome: fault ?? 'not-found',
          parts: said(fault ? UNUSABLE_WORDS[fault] : 'Not found'),
        };
      }
      const [patientId, time] = [patients![at], times![at]!];
      return time === NULL
        ? {
            outcome: 'no-data',
            patientId,
            parts: said('Nothing has been written that this connection can see'),
          }
        : {
            outcome: 'found',
            patientId,
            parts: `${named},{"name":"lastRecordUpdate","valueDateTime":"${writeInstant(time)}"}`,
          };
    });
  });
}
