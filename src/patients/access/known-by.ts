import type { PoolClient } from 'pg';
import { hashNumbers } from '../../audit/audit.ts';
import type { Context } from '../../context.ts';
import { NATIONAL_SYSTEMS } from '../../fhir/store/national-identifiers.ts';
import { routeOf } from '../../ids.ts';

type Named = { identifier?: { system?: string; value?: string }[] };

/**
 * What the audit names the patient by where it does not know whom it names: the id, the hashes of the national
 * numbers that the record has now, and the ids of their letters, for which a file may be. Inside `asPatient`.
 */
export async function knownBy(
  on: Pick<PoolClient, 'query'>,
  patientId: string,
  secrets: Context['secrets'],
): Promise<string[]> {
  const { rows } = await on.query<{ content: string }>({
    name: 'patients-own-resource',
    text: `select content from resource where route = $1 and id = $2 and type = 'Patient'`,
    values: [routeOf(patientId), patientId],
  });
  const { rows: letters } = await on.query<{ id: string }>({
    name: 'patients-own-letters',
    text: 'select id from letter where route = $1 and patient_id = $2',
    values: [routeOf(patientId), patientId],
  });
  const { identifier = [] } = rows[0] ? (JSON.parse(rows[0].content) as Named) : {};
  const numbers = identifier.flatMap(({ system = '', value = '' }) =>
    NATIONAL_SYSTEMS.has(system) && value ? [value] : [],
  );
  return [patientId, ...hashNumbers(secrets, [...new Set(numbers)]), ...letters.map(({ id }) => id)];
}
