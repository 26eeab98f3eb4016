import { ALL, columnText, sourceOf } from './columns.ts';
import { DECIDE, DECISION, type DecisionRow, purviewOf } from './purview.ts';
import type { Asked, Query } from './query.ts';
import type { Row } from './row.ts';

/** `$4`… of every statement that writes a row, in this order. */
const rowValues = (row: Row) => [
  ...[row.route, row.id, row.type, row.patientId, row.organisationId, row.label, row.sortFrom, row.sortTo],
  ...[row.tokens, row.identifiers, row.strings, row.dates, row.numbers, row.onceKey, row.content],
];

export type Written = { version: number | null; updated_at: Date | null; content: string | null };

export type CreateRow = DecisionRow &
  Written & {
    right_organisation: boolean;
    label_covered: boolean;
    registered: boolean;
  };

// The decision first, then whether each patient is registered, then the rows: later parts run from the earlier ones.
const SENT = ALL.filter((name) => name !== 'version' && name !== 'updated_at');
const KEPT = SENT.filter((name) => name !== 'content');

const CREATE = (source: string) => `
with d as materialized (select * from ${DECIDE}),
sent as materialized (
  select s.*, d.organisation_id = s.organisation_id as right_organisation, (d.labels >> s.label) & 1 = 1 as label_covered,
         s.patient_id is null or exists (
           select from registration g
            where d.outcome = 'allowed' and g.route = s.route and g.patient_id = s.patient_id
              and g.organisation_id = d.organisation_id and (d.teams is null or g.teams && d.teams) offset 0) as registered
    from d cross join ${source}),
made as (
  insert into resource (version, updated_at, content, ${KEPT.join(', ')})
  select 1, t.at, fhir_filled(s.content, 1, t.at, s.label), ${KEPT.map(columnText).join(', ')}
    from d cross join sent s cross join (select fhir_now() as at) t
   where d.outcome = 'allowed' and s.right_organisation and s.label_covered and s.registered
  on conflict (route, organisation_id, type, label, once_key) where once_key is not null do nothing
  returning id, version, updated_at, content)
select ${DECISION}, s.right_organisation, s.label_covered, s.registered, s.place, made.version, made.updated_at,
       made.content
  from d cross join sent s left join made on made.id = s.id`;

/** Creates rows whose labels are known. `version` null and nothing else wrong: the once key is taken. */
export async function insertResources(
  query: Query,
  asked: Asked,
  rows: readonly Row[],
): Promise<CreateRow[]> {
  const { name, text, values } = sourceOf(SENT, rows, asked.length + 1);
  type Placed = CreateRow & { place: number };
  const made = await query<Placed>(`fhir-create-${name}`, CREATE(text), [...asked, ...values]);
  const placed: CreateRow[] = [];
  for (const row of made) placed[row.place - 1] = row;
  return placed;
}

export type PatientRow = DecisionRow &
  Written & { right_organisation: boolean; label_covered: boolean; result: string | null; id: string | null };

const CREATE_PATIENT = `
select ${DECISION}, d.organisation_id = $18 as right_organisation, (d.labels >> $8) & 1 = 1 as label_covered,
       p.outcome as result, p.id, p.version, p.updated_at, p.content
  from ${DECIDE} d
  left join lateral (
    select made.*
      from (select 1 where d.outcome = 'allowed' and d.organisation_id = $18 and (d.labels >> $8) & 1 = 1 offset 0) go,
           fhir_create_patient($4, $5, $6, $7, $8::smallint, $9, $10, $11, $12, $13, $14, $15, $16, $17) made
    offset 0) p on true`;

export type Identity = {
  identifiers: { system: string; value: string }[];
  birthDate: string | null;
  deceased: boolean;
};

/** Registers and stores a patient, or finds the one that has these national identifiers. */
export function insertPatient(query: Query, asked: Asked, row: Row, identity: Identity) {
  return query<PatientRow>('fhir-create-patient', CREATE_PATIENT, [
    ...asked,
    ...[
      row.id,
      JSON.stringify(identity.identifiers),
      identity.birthDate,
      identity.deceased,
      row.label,
      row.onceKey,
    ],
    ...[
      row.sortFrom,
      row.sortTo,
      row.tokens,
      row.identifiers,
      row.strings,
      row.dates,
      row.numbers,
      row.content,
    ],
    row.organisationId,
  ]);
}

export type UpdateRow = DecisionRow &
  Written & {
    /** Null when there is nothing of the kind within the purview. */
    old_version: number | null;
    own: boolean | null;
    by_patient: boolean | null;
    label_covered: boolean | null;
    same_patient: boolean | null;
    patient_id: string | null;
  };

// A condition without columns is tested once, before any row is fetched: so the decision has been made, and row-level
// security opened, in whatever order the planner joins.
const DECIDED = `(select d.outcome from d) = 'allowed'`;

const OLD = (label: string) => `
old as materialized (
  select r.*, r.organisation_id = d.organisation_id as own, ${label} as new_label,
         (d.labels >> ${label}) & 1 = 1 as label_covered, r.patient_id is not distinct from $7::uuid as same_patient
    from d, lateral (
      select r.* from resource r
       where d.outcome = 'allowed' and r.route = $4 and r.id = $5 and r.type = $6 and ${purviewOf('r')}
      offset 0) r)`;

// The row that was read is the one that is replaced, or nothing is: of two who update at once, the second finds
// another version when it gets the row's lock.
const UPDATE = (patient: boolean) => `
with d as materialized (select * from ${DECIDE}),
${OLD('coalesce($9::smallint, r.label)')},
changed as (
  update resource r
     set label = o.new_label, version = o.version + 1, updated_at = t.at, sort_from = $10::timestamptz,
         sort_to = $11::timestamptz, tokens = $12::text[], identifiers = $13::text[], strings = $14::text[],
         dates = $15::jsonb, numbers = $16::jsonb,
         -- Under another label it is another key, which a row out of sight may have.
         once_key = case when o.new_label <> o.label then null
                         when o.once_key = any($13::text[]) then o.once_key else $17::text end,
         content = fhir_filled($18::text, o.version + 1, t.at, o.new_label)
    from old o cross join lateral (select fhir_now(o.updated_at) as at) t
   where ${DECIDED} and r.route = $4 and r.id = $5 and r.version = o.version and o.own and o.label_covered and o.same_patient
     and o.by_patient is null and o.organisation_id = $8 and ($19::integer is null or o.version = $19)
  returning r.version, r.updated_at, r.content),
kept as (
  insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
  select o.route, o.id, o.version, o.type, o.patient_id, o.organisation_id, o.label, o.updated_at, o.content
    from old o, changed)
select ${DECISION}, o.version as old_version, o.own, o.by_patient, o.label_covered, o.same_patient, o.patient_id, changed.*
       ${patient ? ', k.*' : ''}
  from d left join old o on true left join changed on true
  ${patient ? `left join lateral (select fhir_keep_patient($5, $20, $21, $22) from changed offset 0) k on true` : ''}`;

const UPDATE_OTHER = UPDATE(false);
const UPDATE_PATIENT = UPDATE(true);

/** Replaces the current version, if it is `ifMatch` or none is asked for. `row.label` null keeps the label. */
export function updateResource(
  query: Query,
  asked: Asked,
  row: Row,
  ifMatch: number | null,
  identity: Identity | null,
) {
  const values = [...asked, ...rowValues(row), ifMatch];
  if (!identity) return query<UpdateRow>('fhir-update', UPDATE_OTHER, values);
  const { identifiers, birthDate, deceased } = identity;
  const more = [JSON.stringify(identifiers), birthDate, deceased];
  return query<UpdateRow>('fhir-update-patient', UPDATE_PATIENT, [...values, ...more]);
}

export type DeleteRow = DecisionRow & {
  old_version: number | null;
  own: boolean | null;
  by_patient: boolean | null;
  deleted: boolean | null;
  was_deleted: boolean;
  patient_id: string | null;
};

const DELETE = `
with d as materialized (select * from ${DECIDE}),
old as materialized (
  select r.*, r.organisation_id = d.organisation_id as own
    from d, lateral (
      select r.* from resource r
       where d.outcome = 'allowed' and r.route = $4 and r.id = $5 and r.type = $6 and ${purviewOf('r')}
      offset 0) r),
taken as (
  delete from resource r using old o
   where ${DECIDED} and r.route = $4 and r.id = $5 and r.version = o.version and o.own and o.by_patient is null
     and ($7::integer is null or o.version = $7)
  returning r.id),
kept as (
  insert into resource_version (route, id, version, type, patient_id, organisation_id, label, updated_at, content)
  select o.route, o.id, n.version, o.type, o.patient_id, o.organisation_id, o.label, n.updated_at, n.content
    from old o, taken,
         lateral (values (o.version, o.updated_at, o.content), (o.version + 1, fhir_now(o.updated_at), null)) n
                 (version, updated_at, content))
select ${DECISION}, o.version as old_version, o.own, o.by_patient, taken.id is not null as deleted, o.patient_id,
       exists (select from resource_version v
                where d.outcome = 'allowed' and v.route = $4 and v.id = $5 and v.type = $6 and v.content is null
                  and v.organisation_id = d.organisation_id and ${purviewOf('v')}) as was_deleted
  from d left join old o on true left join taken on true`;

/** Deletes one's own, leaving its versions and a tombstone. */
export function deleteResource(
  query: Query,
  asked: Asked,
  { route, id, type }: { route: number; id: string; type: string },
  ifMatch: number | null,
) {
  return query<DeleteRow>('fhir-delete', DELETE, [...asked, route, id, type, ifMatch]);
}

const DELETE_PATIENT = `
select ${DECISION}, p.result
  from ${DECIDE} d
  left join lateral (
    select fhir_delete_patient($4, $5) as result
      from (select 1 where d.outcome = 'allowed' offset 0) go offset 0) p on true`;

/** Deletes a patient on whom nothing hangs: 'deleted', or why not, a refusal code. */
export function deletePatient(query: Query, asked: Asked, id: string, ifMatch: number | null) {
  type PatientDeleted = DecisionRow & { result: string | null };
  return query<PatientDeleted>('fhir-delete-patient', DELETE_PATIENT, [...asked, id, ifMatch]);
}
