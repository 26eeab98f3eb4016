import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, identifierWriter, text } from './answer-each.ts';
import { entriesOf, firstByPlace, NULL } from './lists.ts';
import { nationalLookup, UNUSABLE_WORDS } from './national-lookup.ts';
import { readParameters } from './read-parameters.ts';

type Row = DecisionRow & Record<'places' | 'patients' | 'joined' | 'deceased' | 'born', string | null>;

const STATUS = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select f.places::text, f.patients::text, f.joined::text, f.deceased::text, f.born::text
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_patient_statuses($4, $5, $6, $7) f
    offset 0) x on true`;

/**
 * `Patient/$status-query`: which patients use their record, and who has died. A patient with no tie to the organisation
 * is answered exactly like one who does not exist.
 */
export async function statusQuery({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$status-query');
  const { identifiers } = readParameters(call, { list: 'patientIdentifier', max: 5000 });
  const { unusable, values } = nationalLookup(identifiers);
  const rows = await query<Row>('operation-status', STATUS, [...asked, ...values]);
  return afterDecision(rows, (row) => {
    const first = firstByPlace(entriesOf(row.places), identifiers.length);
    const [patients, joined, deceased, born] = [row.patients, row.joined, row.deceased, row.born].map(
      entriesOf,
    );
    const written = identifierWriter('patientIdentifier');
    return answerEach('patientStatus', identifiers, (identifier, n) => {
      const named = written(identifier);
      const at = first[n]!;
      if (at < 0) {
        const fault = unusable.get(n);
        return {
          outcome: fault ?? 'not-found',
          parts: `${named},${text('diagnostics', fault ? UNUSABLE_WORDS[fault] : 'Not found')}`,
        };
      }
      const day = born![at]!;
      return {
        outcome: 'found',
        patientId: patients![at],
        parts:
          `${named},{"name":"registered","valueBoolean":${joined![at] === 't'}},` +
          `{"name":"deceased","valueBoolean":${deceased![at] === 't'}}` +
          (day === NULL ? '' : `,{"name":"dateOfBirth","valueDate":"${day}"}`),
      };
    });
  });
}
