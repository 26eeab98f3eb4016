import { DECIDE, DECISION, type DecisionRow } from '../../../store/purview.ts';
import type { Asked, Query } from '../../../store/query.ts';
import type { Decider } from '../register-store.ts';

/** How many registrations of one connection may be under way. */
const OPEN_MAX = 10;

const CREATE = `
with d as materialized (select * from ${DECIDE}),
made as (
  insert into register_job (route, id, organisation_id, client_id, connection_id, base, dry_run, state, request_id,
                            address, expires_at)
  select fhir_route($4), $4::uuid, d.organisation_id, d.client_id, d.connection_id, $5, $6, 'receiving', $7, $8,
         clock_timestamp() + interval '1 hour'
    from d
   where d.outcome = 'allowed' and d.organisation_id = $9
     and (select count(*) from register_job j
           where j.organisation_id = d.organisation_id and j.client_id = d.client_id
             and j.state in ('receiving', 'running')) < ${OPEN_MAX}
  returning 1)
select ${DECISION}, d.organisation_id = $9 as right_organisation, exists (select from made) as made from d`;

export type JobBegun = DecisionRow & { right_organisation: boolean; made: boolean };

/** Begins a registration that will be worked on when all of it is here. */
export function createJob(
  query: Query,
  asked: Asked,
  job: {
    id: string;
    base: string;
    dryRun: boolean;
    requestId: string;
    address: string;
    organisationId: string;
  },
) {
  const { id, base, dryRun, requestId, address, organisationId } = job;
  const values = [...asked, id, base, dryRun, requestId, address, organisationId];
  return query<JobBegun>('register-job-create', CREATE, values);
}

const ADD_PART = `
with d as materialized (select * from ${DECIDE}),
added as (
  insert into register_part (route, job_id, number, first_row, rows, input)
  select fhir_route($4), $4::uuid, $5, $6, $7, $8 from d where d.outcome = 'allowed')
select ${DECISION} from d`;

export type Part = { number: number; firstRow: number; rows: number; input: string };

export function addPart(query: Query, asked: Asked, id: string, { number, firstRow, rows, input }: Part) {
  return query<DecisionRow>('register-job-part', ADD_PART, [...asked, id, number, firstRow, rows, input]);
}

const SET_STATE = `
with d as materialized (select * from ${DECIDE}),
changed as (
  update register_job j set state = $5, rows = coalesce($6, j.rows), parts = coalesce($7, j.parts),
         finished_at = case when $5 = 'cancelled' then clock_timestamp() end
    from d
   where (select d.outcome from d) = 'allowed' and j.route = fhir_route($4) and j.id = $4 and j.client_id = d.client_id
     and j.organisation_id = d.organisation_id and j.state in ('receiving', 'running')
  returning 1)
select ${DECISION}, exists (select from changed) as changed from d`;

/** Hands a job that is all here to whoever works, or ends it; only one that has not ended changes. */
export function setState(
  query: Query,
  asked: Asked,
  id: string,
  state: 'running' | 'cancelled',
  { rows = null, parts = null }: { rows?: number | null; parts?: number | null } = {},
) {
  const values = [...asked, id, state, rows, parts];
  return query<DecisionRow & { changed: boolean }>('register-job-state', SET_STATE, values);
}

const FIND = `
select ${DECISION}, j.*
  from ${DECIDE} d
  left join lateral (
    select j.state, j.stop_code, j.dry_run, j.rows, j.rows_done, j.parts_done,
           (select json_object_agg(c.key, c.n)
              from (select e.key, sum(e.value::integer) as n
                      from register_part p, jsonb_each_text(p.counts) e
                     where p.route = j.route and p.job_id = j.id group by e.key) c) as counts
      from register_job j
     where d.outcome = 'allowed' and j.route = fhir_route($4) and j.id = $4 and j.client_id = d.client_id
       and j.organisation_id = d.organisation_id and (j.state = 'running' or j.expires_at > clock_timestamp())
    offset 0) j on true`;

export type JobRow = DecisionRow & {
  /** Null when the caller has no such job. */
  state: 'receiving' | 'running' | 'done' | 'cancelled' | 'stopped' | null;
  stop_code: string | null;
  dry_run: boolean;
  rows: number;
  rows_done: number;
  parts_done: number;
  counts: Record<string, number> | null;
};

export const findJob = (query: Query, asked: Asked, id: string) =>
  query<JobRow>('register-job-find', FIND, [...asked, id]);

const RESULT = `
select ${DECISION}, p.*
  from ${DECIDE} d
  left join lateral (
    select p.result, p.rows
      from register_job j join register_part p on p.route = j.route and p.job_id = j.id
     where d.outcome = 'allowed' and j.route = fhir_route($4) and j.id = $4 and j.client_id = d.client_id
       and j.organisation_id = d.organisation_id and (j.state = 'running' or j.expires_at > clock_timestamp())
       and p.number = $5
    offset 0) p on true`;

/** What came of one part, as it was written down; null while it is not done, or when there is none. */
export const findResult = (query: Query, asked: Asked, id: string, number: number) =>
  query<DecisionRow & { result: string | null; rows: number | null }>('register-job-result', RESULT, [
    ...asked,
    id,
    number,
  ]);

export type Taken = {
  job_route: number;
  job_id: string | null;
  organisation_id: string;
  connection_id: string;
  client_id: string;
  base: string;
  dry_run: boolean;
  request_id: string;
  address: string | null;
  number: number | null;
  first_row: number;
  input: string;
};

/** The next part of any job; its job is held until the transaction ends. */
export async function takePart(query: Query): Promise<Taken | undefined> {
  const [taken] = await query<Taken>('register-job-take', 'select * from take_register_part()', []);
  return taken?.job_id ? taken : undefined;
}

/** The decision of a job: by its connection, as that stands now. */
export const decidedByConnection = ({ connection_id, organisation_id }: Taken): Decider => ({
  name: 'job',
  sql: 'decide_connection($1::uuid, $2::uuid, $3::text[])',
  values: [connection_id, organisation_id, ['Patient.$register']],
});

const FINISH_PART = `
with part as (
  update register_part set result = $4, counts = $5, input = null where route = $1 and job_id = $2 and number = $3
  returning rows)
update register_job j
   set rows_done = j.rows_done + part.rows, parts_done = j.parts_done + 1,
       state = case when j.parts_done + 1 = j.parts then 'done' else j.state end,
       finished_at = case when j.parts_done + 1 = j.parts then clock_timestamp() end,
       expires_at = case when j.parts_done + 1 = j.parts then clock_timestamp() + interval '7 days' else j.expires_at end
  from part where j.route = $1 and j.id = $2`;

/** Writes down what came of a part. Row-level security lets it through where the connection was decided for. */
export async function finishPart(
  query: Query,
  { job_route, job_id, number }: Taken,
  result: string,
  counts: ReadonlyMap<string, number>,
): Promise<void> {
  const values = [job_route, job_id, number, result, JSON.stringify(Object.fromEntries(counts))];
  await query('register-job-finish', FINISH_PART, values);
}

export async function stopJob(query: Query, route: number, id: string, code: string): Promise<void> {
  await query('register-job-stop', 'select stop_register_job($1, $2, $3)', [route, id, code]);
}
