import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';

type FilesRow = DecisionRow & { found: number[] };

// An earlier version counts as long as the Binary is there.
const FILES = `
with d as materialized (select * from ${DECIDE})
select ${DECISION}, array(
    select k.n::integer
      from unnest($4::integer[], $5::uuid[], $6::integer[]) with ordinality k(route, id, version, n)
     where d.outcome = 'allowed' and exists (
       select from resource b
        where b.route = k.route and b.id = k.id and b.type = 'Binary' and b.patient_id = $7::uuid
          and b.organisation_id = d.organisation_id and ${purviewOf('b')}
          and (k.version is null or k.version = b.version or exists (
                select from resource_version v
                 where v.route = k.route and v.id = k.id and v.version = k.version and v.content is not null
                   and ${purviewOf('v')})) offset 0)) as found
  from d`;

export type FilesWanted = {
  patientId: string;
  files: readonly { route: number; id: string; version: number | null }[];
};

/** Which of the Binaries are there, about the patient and the organisation's own: their places, from 1 on. */
export async function findFiles(
  query: Query,
  asked: Asked,
  { patientId, files }: FilesWanted,
): Promise<FilesRow> {
  const [row] = await query<FilesRow>('fhir-find-files', FILES, [
    ...asked,
    files.map(({ route }) => route),
    files.map(({ id }) => id),
    files.map(({ version }) => version),
    patientId,
  ]);
  if (!row) throw new Error('no decision came back');
  return row;
}
