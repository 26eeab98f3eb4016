import type { Pool } from 'pg';
import { routeOf } from '../ids.ts';
import { asPatient } from './as-patient.ts';

/** The patient's name as the record has it now, for greeting; '' when there is none. */
export async function readName(pool: Pool, accountId: string): Promise<string> {
  const content = await asPatient(pool, accountId, async (client, patientId) => {
    const { rows } = await client.query<{ content: string }>({
      name: 'patients-own-resource',
      text: `select content from resource where route = $1 and id = $2 and type = 'Patient'`,
      values: [routeOf(patientId), patientId],
    });
    return rows[0]?.content ?? null;
  });
  return content ? nameOf(JSON.parse(content)) : '';
}

type Name = { use?: string; text?: string; given?: string[]; family?: string; prefix?: string[] };

/** The official name (FHIR R4 HumanName), else the first that is not old. */
export function nameOf({ name = [] }: { name?: Name[] }): string {
  const usable = name.filter(({ use }) => use !== 'old' && use !== 'maiden');
  const chosen = usable.find(({ use }) => use === 'official') ?? usable[0];
  if (!chosen) return '';
  const parts = [chosen.given?.[0], chosen.family].filter(Boolean).join(' ');
  return (parts || chosen.text || '').slice(0, 200);
}
