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
  const { rows } = await on.query<{ content: string | null; letters: string[] }>({
    name: 'patients-known-by',
    text: `select (select content from resource where route = $1 and id = $2 and type = 'Patient') as content,
                  array(select id from letter where route = $1 and patient_id = $2) as letters`,
    values: [routeOf(patientId), patientId],
  });
  const { content, letters } = rows[0]!;
  const { identifier = [] } = content ? (JSON.parse(content) as Named) : {};
  const numbers = identifier.flatMap(({ system = '', value = '' }) =>
    NATIONAL_SYSTEMS.has(system) && value ? [value] : [],
  );
  return [patientId, ...hashNumbers(secrets, [...new Set(numbers)]), ...letters];
}
