import { AuditUnavailable, hashNumbers } from '../../../../audit/audit.ts';
import { isUnavailable } from '../../../../database/unavailable.ts';
import { ownBases } from '../../../incoming/references.ts';
import type { Room } from '../../../room.ts';
import { DECISION, type DecisionRow } from '../../../store/purview.ts';
import { type Query, queryOn } from '../../../store/query.ts';
import { inWords } from '../../answer-each.ts';
import { contended, inTransaction } from '../../changing.ts';
import { checkRows, registerRows, tryRows } from '../register-rows.ts';
import { countsOf, resultsAnswer } from '../results-answer.ts';
import { rowsOfLines } from '../rows-of-body.ts';
import { decidedByConnection, finishPart, stopJob, type Taken, takePart } from './store.ts';

const LOOK_EVERY_MS = 1000;
const SWEEP_EVERY_MS = 3_600_000;

/**
 * Works on registrations that were taken in, a part at a time, whichever process is free. A part is one transaction: what
 * a process that dies was at is undone, and taken up by another.
 */
export function createRegisterWorker(room: Room) {
  const { context } = room;
  let working: Promise<unknown> = Promise.resolve();
  let busy = false;
  let stopping = false;
  let looking: NodeJS.Timeout | undefined;
  let sweeping: NodeJS.Timeout | undefined;

  async function work(): Promise<void> {
    busy = true;
    try {
      while (!stopping && (await workOnPart(room)));
    } catch (error) {
      context.log.warn({ err: error }, 'registrations wait: the database or the audit is away');
    } finally {
      busy = false;
    }
  }

  return {
    start(): void {
      looking = setInterval(() => {
        if (!busy) working = work();
      }, LOOK_EVERY_MS).unref();
      sweeping = setInterval(() => {
        room.query('operations-sweep', 'select sweep_operations()', []).catch((error) => {
          context.log.warn({ err: error }, 'what operations keep for a time was not removed');
        });
      }, SWEEP_EVERY_MS).unref();
    },
    /** Takes no more, and waits for the part that is under way. */
    async stop(): Promise<void> {
      stopping = true;
      clearInterval(looking);
      clearInterval(sweeping);
      await working;
    },
  };
}

/** Does the next part of any job. @returns false when there is none. */
export async function workOnPart(room: Room): Promise<boolean> {
  let taken: Taken | undefined;
  try {
    return await contended(() =>
      inTransaction(room.context.database.service, async (client) => {
        const query = queryOn(client);
        taken = await takePart(query);
        if (taken) await registerPart(room, query, taken);
        return taken !== undefined;
      }),
    );
  } catch (error) {
    if (!taken || isUnavailable(error) || error instanceof AuditUnavailable) throw error;
    // It would fail for ever, and hold up all others.
    room.context.log.error({ err: error, requestId: taken.request_id }, 'a registration failed');
    await stopJob(room.query, taken.job_route, taken.job_id!, 'internal');
    return true;
  }
}

async function registerPart(room: Room, query: Query, taken: Taken): Promise<void> {
  const decider = decidedByConnection(taken);
  const ask = `select ${DECISION} from ${decider.sql} d`;
  const [decision] = await query<DecisionRow>('register-job-decide', ask, decider.values);
  if (decision?.outcome !== 'allowed' || taken.number === null) {
    return stopJob(query, taken.job_route, taken.job_id!, decision?.outcome ?? 'internal');
  }
  const rows = rowsOfLines(taken.input, Number.POSITIVE_INFINITY);
  const bases = ownBases(room.context.baseUrl(), { base: taken.base, organisation: taken.organisation_id });
  const checked = await checkRows(room, rows, bases);
  const run = taken.dry_run ? tryRows : registerRows;
  const { decision: last, results } = await run(room, query, decider, taken.organisation_id, checked);
  if (last.outcome !== 'allowed') return stopJob(query, taken.job_route, taken.job_id!, last.outcome);
  const counts = countsOf(results);
  const { body, patients, missed = [] } = resultsAnswer(results, { firstRow: taken.first_row });
  await finishPart(query, taken, String(body ?? ''), counts);
  // Before the commit, as every record is before its answer: the result cannot be fetched without it.
  await room.context.audit.record({
    kind: 'fhir',
    interaction: '$register',
    outcome: 'allowed',
    status: 200,
    requestId: taken.request_id,
    address: taken.address,
    clientId: taken.client_id,
    connectionId: taken.connection_id,
    organisationId: taken.organisation_id,
    resourceType: 'Patient',
    resourceId: taken.job_id,
    patients,
    named: hashNumbers(room.context.secrets, missed),
    count: results.length,
    detail: `part ${taken.number}: ${inWords(counts)}`,
  });
}
