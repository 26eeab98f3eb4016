import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, identifierPart, text } from './answer-each.ts';
import { nationalLookup, UNUSABLE_WORDS } from './national-lookup.ts';
import { readParameters } from './read-parameters.ts';

type Found = [n: number, patientId: string, registered: boolean, deceased: boolean, birthDate: string | null];

const STATUS = `
select ${DECISION}, x.found
  from ${DECIDE} d
  left join lateral (
    select json_agg(json_build_array(f.n, f.patient_id, f.joined, f.deceased, f.birth_date)) as found
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_numbered_patients($4, $5, $6, $7) f
    offset 0) x on true`;

/**
 * `Patient/$status-query`: which patients use their record, and who has died. A patient with no tie to the organisation
 * is answered exactly like one who does not exist.
 */
export async function statusQuery({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$status-query');
  const { identifiers } = readParameters(call, { list: 'patientIdentifier', max: 5000 });
  const { unusable, values } = nationalLookup(identifiers);
  const rows = await query<DecisionRow & { found: Found[] | null }>('operation-status', STATUS, [
    ...asked,
    ...values,
  ]);
  return afterDecision(rows, ({ found }) => {
    const byPlace = new Map(found?.map((one) => [one[0], one]));
    return answerEach('patientStatus', identifiers, (identifier, n) => {
      const named = identifierPart('patientIdentifier', identifier);
      const one = byPlace.get(n);
      if (!one) {
        const fault = unusable.get(n);
        return {
          outcome: fault ?? 'not-found',
          parts: `${named},${text('diagnostics', fault ? UNUSABLE_WORDS[fault] : 'Not found')}`,
        };
      }
      const [, patientId, registered, deceased, birthDate] = one;
      const born = birthDate ? `,{"name":"dateOfBirth","valueDate":"${birthDate}"}` : '';
      return {
        outcome: 'found',
        patientId,
        parts:
          `${named},{"name":"registered","valueBoolean":${registered}},` +
          `{"name":"deceased","valueBoolean":${deceased}}${born}`,
      };
    });
  });
}
