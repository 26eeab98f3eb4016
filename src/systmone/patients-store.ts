import type { Pool } from 'pg';
import { asStaff } from '../connections/acting.ts';
import type { Acting } from './acting.ts';
import { NHS_NUMBER_SYSTEM } from './incoming.ts';

export type SomePatient = { id: string; name: string; nhsNumber: string; birthDate: string | null };

const SHOWN = 20;

/**
 * A few of the organisation's own patients who have an NHS number, for trying a link, or of these alone. Seen under the
 * second lock.
 */
export async function somePatients(
  pool: Pool,
  acting: Acting,
  only: readonly string[] | null = null,
): Promise<SomePatient[]> {
  const found = await asStaff(pool, acting, async (client) => {
    const { rows } = await client.query<{ id: string; content: string }>({
      name: 'launch-some-patients',
      text: `
        select r.id, r.content from registration g
          join resource r on r.route = g.route and r.id = g.patient_id and r.type = 'Patient'
         where g.organisation_id = $1 and ($3::uuid[] is null or g.patient_id = any ($3)) order by g.route, g.patient_id limit $2`,
      values: [acting.organisationId, SHOWN * 2, only],
    });
    return rows;
  });
  if (!Array.isArray(found)) return [];
  return found.flatMap(({ id, content }) => toPatient(id, content)).slice(0, SHOWN);
}

type PatientContent = {
  identifier?: { system?: string; value?: string }[];
  name?: { use?: string; text?: string; family?: string; given?: string[] }[];
  birthDate?: string;
};

function toPatient(id: string, content: string): SomePatient[] {
  const { identifier, name, birthDate } = JSON.parse(content) as PatientContent;
  const nhsNumber = identifier?.find(({ system }) => system === NHS_NUMBER_SYSTEM)?.value;
  if (!nhsNumber) return [];
  const shown = name?.find(({ use }) => use === 'official') ?? name?.[0];
  const named = shown?.family
    ? `${shown.family.toUpperCase()}, ${(shown.given ?? []).join(' ')}`
    : shown?.text;
  const day = birthDate && /^\d{4}-\d{2}-\d{2}$/.test(birthDate) ? birthDate : null;
  return [{ id, nhsNumber, name: named ?? 'No name', birthDate: day }];
}
