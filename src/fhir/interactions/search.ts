import { type Answer, afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call, lenient, parametersOf } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { Target } from '../http/target.ts';
import type { Room } from '../room.ts';
import type { Position } from '../search/order.ts';
import { parseSearch, type Search } from '../search/parse-search.ts';
import { type SearchRow, searchPage } from '../search/statement.ts';

/** Search on a type (R4 section 3.1.1), by GET and by POST to `_search`. */
export async function search(room: Room, call: Call, { type }: Target): Promise<Outcome> {
  const asked = askedBy(call, type, 's');
  const about = `${type}\n${call.organisation}`;
  const { parameters, after } = pageOf(room, parametersOf(call), about);
  const sought = parseSearch(type, parameters, {
    definitions: room.definitions,
    lenient: after !== null || lenient(call),
    bases: [call.base, `${room.context.baseUrl()}/fhir/R4`],
    now: room.context.now(),
  });
  const page = { search: sought, base: call.base, after };
  const rows = isNarrow(sought)
    ? [await room.searchOne(asked, page)]
    : await searchPage(room.query, asked, page);
  return afterDecision(rows, (row) =>
    bundleOf(row, sought, call, (last) => room.cursors.seal({ parameters: sought.used, after: last }, about)),
  );
}

/** Whether it looks at a few rows named outright, or at one patient's. */
const isNarrow = ({ ids, identified, patients }: Search): boolean =>
  ids !== null || identified !== null || patients?.length === 1;

const CURSOR = '_cursor';

function pageOf(room: Room, parameters: (readonly [string, string])[], about: string) {
  const cursors = parameters.filter(([name]) => name === CURSOR);
  if (cursors.length === 0) return { parameters, after: null };
  const others = parameters.filter(([name]) => name !== CURSOR && name !== '_format' && name !== '_pretty');
  if (cursors.length > 1 || others.length > 0) throw new Refusal('cursor-invalid');
  return room.cursors.open(cursors[0]![1], about);
}

/** The Bundle as text: its entries come from the database as they are sent. */
function bundleOf(row: SearchRow, sought: Search, call: Call, seal: (last: Position) => string): Answer {
  const address = `${call.base}/${sought.type}`;
  const self = new URLSearchParams(sought.used).toString();
  const links = [{ relation: 'self', url: self ? `${address}?${self}` : address }];
  if (row.more && row.last) {
    links.push({ relation: 'next', url: `${address}?${CURSOR}=${seal(row.last)}` });
  }
  const entries = [row.entries, sought.ignored.length > 0 ? ignoredText(sought.ignored) : null].filter(
    Boolean,
  );
  const total = row.total === undefined || row.total === null ? '' : `"total":${row.total},`;
  const body =
    `{"resourceType":"Bundle","type":"searchset",${total}"link":${JSON.stringify(links)}` +
    `${entries.length > 0 ? `,"entry":[${entries.join(',')}]` : ''}}`;
  return {
    status: 200,
    body,
    count: sought.onlyCount ? (row.total ?? 0) : row.matched,
    patients: [...new Set(row.patients)],
  };
}

function ignoredText(names: readonly string[]): string {
  const issue = names.map((name) => ({
    severity: 'warning',
    code: 'not-supported',
    diagnostics: `Parameter ${name} is not supported and was ignored`,
  }));
  return JSON.stringify({
    resource: { resourceType: 'OperationOutcome', issue },
    search: { mode: 'outcome' },
  });
}
