import { afterDecision, type Outcome } from '../http/answer.ts';
import { askedBy, type Call } from '../http/call.ts';
import type { Room } from '../room.ts';
import { DECIDE, DECISION, type DecisionRow } from '../store/purview.ts';
import { answerEach, type Each, identifierWriter, text } from './answer-each.ts';
import { entriesOf, firstByPlace, NULL, writeInstant } from './lists.ts';
import { readParameters } from './read-parameters.ts';

type Row = DecisionRow &
  Record<'places' | 'patients' | 'removed' | 'first_read' | 'visible_from' | 'unreadable', string | null>;

const RECEIPTS = `
select ${DECISION}, x.*
  from ${DECIDE} d
  left join lateral (
    select f.places::text, f.patients::text, f.removed::text, f.first_read::text, f.visible_from::text,
           f.unreadable::text
      from (select 1 where d.outcome = 'allowed' offset 0) go, fhir_read_receipts(string_to_array($4, chr(4)), string_to_array($5, chr(4))) f
    offset 0) x on true`;

/**
 * `DocumentReference/$read-receipt-query`: whether, and when, patients first opened letters that the calling
 * organisation sent, by the identifiers it sent them under.
 */
export async function readReceiptQuery({ query }: Room, call: Call): Promise<Outcome> {
  const asked = askedBy(call, 'DocumentReference', '$read-receipt-query');
  const { identifiers } = readParameters(call, { list: 'documentIdentifier', max: 5000, systemless: true });
  const sought = identifiers.map((one) =>
    CONTROL.test(one.system) || CONTROL.test(one.value) ? NOBODYS : one,
  );
  const rows = await query<Row>('operation-receipts', RECEIPTS, [
    ...asked,
    marked(sought.map(({ system }) => system)),
    marked(sought.map(({ value }) => value)),
  ]);
  return afterDecision(rows, (row) => {
    const receipts = receiptsOf(row, identifiers.length);
    const named = identifierWriter('documentIdentifier');
    return answerEach('readReceipt', identifiers, (identifier, n) => {
      const { outcome, parts, patientId } = receipts(n);
      return { outcome, patientId, parts: `${named(identifier)},${parts}` };
    });
  });
}

/** Texts travel as one, each with a mark after it, so that none has to be quoted. */
const marked = (texts: readonly string[]) => `${texts.join('\u0004')}\u0004`;

/** No R4 string holds one, so no letter is found under it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000e-\u001f]/;
const NOBODYS = { system: '', value: '' };

const NOT_FOUND: Each = { outcome: 'not-found', parts: text('diagnostics', 'Not found') };
const SEVERAL: Each = {
  outcome: 'multiple-matches',
  parts: text('diagnostics', 'Letters of several patients have this identifier: give each its own'),
};

/** What is to be said of the identifier at a place, from 0; the statement counts from 1. */
function receiptsOf(row: Row, size: number): (n: number) => Each {
  const places = entriesOf(row.places);
  const first = firstByPlace(places, size + 1);
  const [patients, removed] = [row.patients, row.removed].map(entriesOf);
  const [read, visible, unreadable] = [row.first_read, row.visible_from, row.unreadable].map(entriesOf);
  const time = (name: string, millis: string) =>
    millis === NULL ? '' : `,{"name":"${name}","valueDateTime":"${writeInstant(millis)}"}`;
  return (n) => {
    const at = first[n + 1]!;
    if (at < 0) return NOT_FOUND;
    if (places[at + 1] === places[at]) return SEVERAL;
    return {
      outcome: removed![at] === 't' ? 'withdrawn' : 'found',
      patientId: patients![at],
      parts:
        `{"name":"read","valueBoolean":${read![at] !== NULL}}` +
        time('firstRead', read![at]!) +
        time('reportedUnreadable', unreadable![at]!) +
        time('visibleFrom', visible![at]!),
    };
  };
}
