import type { ClientBase } from 'pg';
import type { BinaryAddress } from '../attachments/index.ts';
import { routeOf } from '../ids.ts';
import type { Reason } from './reasons.ts';

/*
 * Every statement runs inside a transaction in which somebody opened the second lock for themselves (act_for_record,
 * act_for_patient): what it sees of the tables is their purview, and nothing here need say so again.
 */
export type Reader = Pick<ClientBase, 'query'>;

/** What every entry says of itself beside its content. */
export type SourceRow = {
  id: string;
  type: string;
  content: string;
  label: number;
  organisation: string;
  /** Seen only because the reader broke the glass. */
  unshared: boolean;
};

const SOURCE = `
  c.id, c.type, c.content, c.label, o.name as organisation,
  coalesce(c.organisation_id <> g.organisation_id and (g.shared_labels >> c.label) & 1 = 0, false) as unshared`;

/** The rows `n` of a numbered list, with what their entries say. Joined last, so that few contents are read. */
const FROM_NUMBERED = `
    join resource c on c.route = n.route and c.id = n.id
    join organisation o on o.id = c.organisation_id
    left join registration g on g.route = $1 and g.patient_id = $2 and g.organisation_id = app_organisation()`;

/** What was entered by mistake is not part of the record (FHIR R4 section 3.2.1.6); its history keeps it. */
const NOT_MISTAKEN = `
  not r.tokens && array['status=*|entered-in-error', 'verification-status=*|entered-in-error', 'doc-status=*|entered-in-error']`;

export type PersonRow = {
  birth_date: string | null;
  deceased: boolean;
  content: string | null;
  /** The patient shares no label with the reader's organisation. */
  unshared: boolean;
  /** And nothing of these types is there for it to see: of what is hidden this says nothing. */
  empty: boolean;
};

/** Whose record it is; undefined when the reader may not know of the patient. */
export async function readPerson(
  client: Reader,
  patientId: string,
  types: readonly string[],
): Promise<PersonRow | undefined> {
  const { rows } = await client.query<PersonRow>({
    name: 'record-person',
    text: `
      select p.birth_date::text as birth_date, p.deceased, c.content, coalesce(g.shared_labels = 0, false) as unshared,
             case when g.shared_labels = 0 then not exists (
               select from resource r
                where r.route = $1 and r.patient_id = $2 and r.type = any ($3::text[]) and ${NOT_MISTAKEN})
             else false end as empty
        from patient p
        left join resource c on c.route = p.route and c.id = p.id and c.type = 'Patient'
        left join registration g on g.route = $1 and g.patient_id = $2 and g.organisation_id = app_organisation()
       where p.route = $1 and p.id = $2`,
    values: [routeOf(patientId), patientId, types],
  });
  return rows[0];
}

export type ListRow = SourceRow & {
  list: string;
  past: boolean;
  total: number;
  current: number;
  /** Of a letter, as far as the reader may know. */
  first_read_at: Date | null;
  visible_from: Date | null;
  /** Before `visible_from`: the patient is not shown it yet. */
  hidden: boolean | null;
  replaced: boolean | null;
  /** The Medication that a medicine names by reference. */
  medication: string | null;
};

export type ListsWanted = {
  /** Each type with the list it belongs to. */
  types: readonly string[];
  lists: readonly string[];
  /** False for lists in which nothing is ever past. */
  grouped: boolean;
  /** Leaves out what is past, unless everything is. */
  currentOnly: boolean;
  offset: number;
  limit: number;
};

/** What is over, as its status says it (the entries of fhir/search-index); an appointment also by its time. */
const PAST = `
  (r.tokens && array['clinical-status=*|inactive', 'clinical-status=*|remission', 'clinical-status=*|resolved',
                     'status=*|completed', 'status=*|stopped', 'status=*|cancelled', 'status=*|not-taken',
                     'status=*|fulfilled', 'status=*|noshow']
   or (r.type = 'Appointment' and r.sort_to <= clock_timestamp()))`;

// The Medication's id is made ready before the join: row-level security lets no index be searched for what a function
// might say aloud, and the whole table would be read.
const LISTS = `
with numbered as (
  select r.route, r.id, k.list, p.past,
         row_number() over (partition by k.list order by p.past,
           case when r.type = 'Appointment' and not p.past then r.sort_from end, r.sort_from desc, r.id) as n,
         count(*) over (partition by k.list) as total,
         count(*) filter (where not p.past) over (partition by k.list) as current
    from unnest($3::text[], $4::text[]) as k(type, list)
    join resource r on r.route = $1 and r.patient_id = $2 and r.type = k.type and r.type = any ($3::text[])
    cross join lateral (select $5::boolean and ${PAST} as past) p
   where ${NOT_MISTAKEN}),
shown as materialized (
  select n.route, n.list, n.past, n.n, n.total, n.current, ${SOURCE},
         case when c.type like 'Medication%' then substring(c.content::jsonb #>> '{medicationReference,reference}'
           from '^Medication/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$')::uuid end as medication_id
    from numbered n ${FROM_NUMBERED}
   where n.n > $7 and n.n <= $7 + $8 and not ($6 and n.past and n.current > 0)),
referring as materialized (select s.*, fhir_route(s.medication_id) as medication_route from shown s)
select s.list, s.past, s.total::integer, s.current::integer, s.id, s.type, s.content, s.label, s.organisation, s.unshared,
       l.first_read_at, l.visible_from, l.visible_from > clock_timestamp() as hidden,
       l.replaced_by is not null and l.replaced_from <= clock_timestamp() as replaced,
       m.content as medication
  from referring s
  left join letter l on l.route = s.route and l.id = s.id
  left join resource m on m.route = s.medication_route and m.id = s.medication_id and m.type = 'Medication'
 order by s.list, s.n`;

/** The entries of one or several lists: current before past, newest first; what is to come, soonest first. */
export async function readLists(client: Reader, patientId: string, wanted: ListsWanted): Promise<ListRow[]> {
  const { rows } = await client.query<ListRow>({
    name: 'record-lists',
    text: LISTS,
    values: [
      routeOf(patientId),
      patientId,
      wanted.types,
      wanted.lists,
      wanted.grouped,
      wanted.currentOnly,
      wanted.offset,
      wanted.limit,
    ],
  });
  return rows;
}

export type ResultRow = SourceRow & { key: string; total: number; measures: number };

// A measure is known by its code; of several the first in alphabetical order, which puts LOINC before SNOMED CT.
// Without any, by its name.
const RESULTS = `
with numbered as (
  select r.route, r.id, k.key,
         row_number() over (partition by k.key order by r.sort_from desc, r.id) as n,
         count(*) over (partition by k.key) as total,
         max(r.sort_from) over (partition by k.key) as latest
    from resource r
    cross join lateral (
      select coalesce(
        (select min(t) from unnest(r.tokens) t where t like 'code=%|_%' and t not like 'code=*|%'),
        'text=' || lower(r.content::jsonb #>> '{code,text}'), '') as key) k
   where r.route = $1 and r.patient_id = $2 and r.type = 'Observation' and ${NOT_MISTAKEN}),
placed as (
  select key, row_number() over (order by latest desc, key) as place, count(*) over () as measures
    from numbered where n = 1)
select p.key, n.total::integer, p.measures::integer, ${SOURCE}
  from placed p join numbered n on n.key = p.key ${FROM_NUMBERED}
 where p.place > $3 and p.place <= $3 + $4 and n.n <= $5
 order by p.place, n.n`;

/** The newest results of some measures: those measured last come first. */
export async function readResults(
  client: Reader,
  patientId: string,
  wanted: { offset: number; measures: number; each: number },
): Promise<ResultRow[]> {
  const { rows } = await client.query<ResultRow>({
    name: 'record-results',
    text: RESULTS,
    values: [routeOf(patientId), patientId, wanted.offset, wanted.measures, wanted.each],
  });
  return rows;
}

/** One letter, if the reader may see it. */
export async function readLetter(
  client: Reader,
  patientId: string,
  id: string,
): Promise<SourceRow | undefined> {
  const { rows } = await client.query<SourceRow>({
    name: 'record-letter',
    text: `
      select ${SOURCE}
        from (select $3::integer as route, $4::uuid as id) n ${FROM_NUMBERED}
       where c.patient_id = $2 and c.type = 'DocumentReference'`,
    values: [routeOf(patientId), patientId, routeOf(id), id],
  });
  return rows[0];
}

/** A Binary that a letter refers to, as it was when it names a version: of the same patient and organisation. */
export async function readLetterBinary(
  client: Reader,
  letterId: string,
  { id, version }: BinaryAddress,
): Promise<string | undefined> {
  const { rows } = await client.query<{ content: string }>({
    name: 'record-letter-binary',
    text: `
      select coalesce(v.content, b.content) as content
        from resource d
        join resource b on b.route = $3 and b.id = $4 and b.type = 'Binary'
         and b.patient_id = d.patient_id and b.organisation_id = d.organisation_id
        left join resource_version v on v.route = $3 and v.id = $4 and v.version = $5
       where d.route = $1 and d.id = $2 and ($5::integer is null or b.version = $5 or v.content is not null)`,
    values: [routeOf(letterId), letterId, routeOf(id), id, version],
  });
  return rows[0]?.content;
}

export type GlassRow = {
  at: Date;
  until: Date;
  organisation: string;
  person: string;
  reason: Reason;
  explanation: string;
};

/** When somebody opened more of the record than the patient shares, newest first: for the patient. */
export async function readBrokenGlass(client: Reader, patientId: string): Promise<GlassRow[]> {
  const { rows } = await client.query<GlassRow>({
    name: 'record-broken-glass',
    text: `
      select b.broken_at as at, coalesce(b.ended_at, b.until) as until, o.name as organisation, a.name as person,
             b.reason, b.explanation
        from break_glass b
        join organisation o on o.id = b.organisation_id
        join account a on a.id = b.account_id
       where b.route = $1 and b.patient_id = $2
       order by b.broken_at desc limit 50`,
    values: [routeOf(patientId), patientId],
  });
  return rows;
}
