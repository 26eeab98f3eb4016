import type { Readable } from 'node:stream';
import { afterDecision, type Outcome } from '../../http/answer.ts';
import { askedBy, type Call, preferences } from '../../http/call.ts';
import { Refusal } from '../../http/refusal.ts';
import { ownBases } from '../../incoming/references.ts';
import type { Room } from '../../room.ts';
import { DECIDE } from '../../store/purview.ts';
import type { Asked } from '../../store/query.ts';
import { changing, type Transaction } from '../changing.ts';
import { wholeBody } from './body-stream.ts';
import { receive } from './jobs/receive.ts';
import { checkRows, registerRows, tryRows } from './register-rows.ts';
import type { Decider } from './register-store.ts';
import { resultsAnswer } from './results-answer.ts';
import { rowsOfBody } from './rows-of-body.ts';

export const ROWS_MAX = 5000;

/**
 * `Patient/$register`: many patients at once, each row whole or not at all, each with its outcome. Sent again, what was
 * done is found done. With `Prefer: respond-async` any number is taken in first and worked on afterwards. `?dry-run=true` says what would come of it and does nothing.
 */
export async function register(room: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'Patient', '$register');
  const dryRun = dryRunOf(call);
  if (preferences(call).has('respond-async')) return receive(room, call, asked, dryRun);
  // Kept for the audit record, which names whom a refused body named.
  call.body = await wholeBody(call.body as Buffer | Readable | undefined);
  const rows = rowsOfBody(call, ROWS_MAX);
  const checked = await checkRows(room, rows, ownBases(room.context.baseUrl(), call));
  const refusedOnly = preferences(call).get('return') === 'minimal';
  const work = async ({ query, organisationId }: Transaction) => {
    const run = dryRun ? tryRows : registerRows;
    const { decision, results } = await run(room, query, decidedFor(asked), organisationId, checked);
    return afterDecision([decision], () => resultsAnswer(results, { refusedOnly }));
  };
  const labels = checked.reduce((bits, row) => (row instanceof Refusal ? bits : bits | (1 << row.label)), 0);
  return changing(room, call, asked, work, { labels });
}

/** The decision of a request: by its token. */
export const decidedFor = (asked: Asked): Decider => ({ name: 'request', sql: DECIDE, values: asked });

/** `dry-run=true` in the address; nothing else is taken there. */
export function dryRunOf({ query }: Pick<Call, 'query'>): boolean {
  let dryRun = false;
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === '_format' || name === '_pretty') continue;
    if (name !== 'dry-run' || (value !== 'true' && value !== 'false')) {
      throw new Refusal('parameters-invalid', {
        text: 'In the address only dry-run=true or false is taken.',
      });
    }
    dryRun = value === 'true';
  }
  return dryRun;
}
