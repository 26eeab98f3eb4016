import { isUuid } from '../../../../ids.ts';
import { type Answer, afterDecision, type Outcome } from '../../../http/answer.ts';
import { askedBy, type Call } from '../../../http/call.ts';
import { Refusal, successText } from '../../../http/refusal.ts';
import type { Room } from '../../../room.ts';
import { summaryText } from '../results-answer.ts';
import { findJob, findResult, type JobRow, setState } from './store.ts';

/**
 * `Patient/$register/{id}`: 202 with the progress while it is under way, then 200 with a summary and the addresses of
 * the results (R4 section 3.1.6.2). DELETE ends it; what is done stays done.
 */
export async function progress({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$register');
  const id = idOf(call);
  if (call.method === 'DELETE') {
    const rows = await setState(query, asked, id, 'cancelled');
    return afterDecision(rows, ({ changed }) =>
      changed ? { status: 204, body: null } : new Refusal('not-found'),
    );
  }
  const rows = await findJob(query, asked, id);
  return afterDecision(rows, (job) => {
    if (job.state === null) return new Refusal('not-found');
    const about = { resourceId: id, count: job.rows_done };
    if (job.state !== 'receiving' && job.state !== 'running') return { ...ended(call, id, job), ...about };
    const said = `${job.rows_done} of ${job.rows} rows are done`;
    return {
      status: 202,
      body: successText(said),
      headers: { 'x-progress': said, 'retry-after': '2' },
      ...about,
    };
  });
}

/** `Patient/$register/{id}/{part}`: what came of up to 2,000 rows, as the answer to so many at once would say it. */
export async function result({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$register');
  const number = call.segments[3] ?? '';
  const rows = await findResult(query, asked, idOf(call), /^[1-9]\d{0,8}$/.test(number) ? Number(number) : 0);
  return afterDecision(rows, ({ result: text, rows: count }) =>
    text === null ? new Refusal('not-found') : { status: 200, body: text, count: count ?? 0 },
  );
}

function ended(call: Call, id: string, job: JobRow): Answer {
  const counts = new Map(Object.entries(job.counts ?? {}));
  const parameters = [
    `{"name":"state","valueCode":"${job.state}"}`,
    ...(job.stop_code ? [`{"name":"reason","valueCode":"${job.stop_code}"}`] : []),
    `{"name":"dryRun","valueBoolean":${job.dry_run}}`,
    summaryText(job.rows_done, counts),
  ];
  for (let part = 1; part <= job.parts_done; part++) {
    const url = JSON.stringify(`${call.base}/Patient/$register/${id}/${part}`);
    parameters.push(`{"name":"result","valueUrl":${url}}`);
  }
  return { status: 200, body: `{"resourceType":"Parameters","parameter":[${parameters.join(',')}]}` };
}

function idOf({ segments }: Call): string {
  const id = segments[2] ?? '';
  return isUuid(id) ? id : '00000000-0000-0000-0000-000000000000';
}
