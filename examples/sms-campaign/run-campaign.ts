import type { FhirClient } from '../shared/fhir-client.ts';
import { type Folder, openLedger } from '../shared/ledger.ts';
import { INVITE_MAX, type Invitation, inBatches, invite } from '../shared/operations.ts';
import { messagesFor } from './messages.ts';
import type { Recipient } from './read-recipients.ts';

type Options = {
  folder: Folder;
  from: string;
  /** Where patients join. */
  join: string;
  signal: AbortSignal;
  onDone: () => void;
};

const OUTBOX = ['message_id', 'mobile', 'text'] as const;
const OUTCOMES = ['nhs_number', 'line', 'outcome', 'expiry'] as const;

/**
 * Invites row by row's batch. A batch's messages are on the disk before its outcomes are, and its request says the same
 * key when it is sent again: whenever the program dies, the next run writes what is missing, with the same codes.
 */
export async function runCampaign(
  client: FhirClient,
  recipients: readonly Recipient[],
  { folder, from, join, signal, onDone }: Options,
) {
  const outbox = openLedger(folder.file('outbox.csv'), OUTBOX);
  const outcomes = openLedger(folder.file('outcomes.csv'), OUTCOMES);
  const rowOf = ({ nhsNumber, line }: { nhsNumber: string; line: number | string }) => `${nhsNumber} ${line}`;
  const done = new Set(outcomes.entries.map((one) => rowOf({ nhsNumber: one.nhs_number, line: one.line })));
  const invited = new Set(
    outcomes.entries.filter(({ outcome }) => outcome === 'invited').map((one) => one.nhs_number),
  );
  const written = new Set(outbox.entries.map(({ message_id: id }) => id));
  const waiting = recipients.filter((recipient) => !done.has(rowOf(recipient)));
  const counts = new Map<string, number>();
  let failure: unknown;
  let left = waiting.length;

  for (const batch of inBatches(waiting, INVITE_MAX)) {
    if (signal.aborted) break;
    const asked = batch.filter(({ fault, nhsNumber }) => !fault && !invited.has(nhsNumber));
    const answers = await inviteAll(client, asked, folder.requestKey).catch((error) => {
      failure = error;
    });
    if (!answers) break;
    const rows = batch.map((recipient) => ({ recipient, ...outcomeOf(recipient, answers) }));
    const messages = rows
      .flatMap(({ recipient, pair }) => (pair ? messagesFor(recipient, pair, { from, join }) : []))
      .filter(({ message_id: id }) => !written.has(id));
    outbox.add(messages);
    outcomes.add(
      rows.map(({ recipient, outcome, pair }) => ({
        nhs_number: recipient.nhsNumber,
        line: String(recipient.line),
        outcome,
        expiry: pair?.expiry ?? '',
      })),
    );
    for (const { outcome } of rows) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      onDone();
    }
    left -= batch.length;
  }
  return {
    counts,
    left,
    earlier: recipients.length - waiting.length,
    outbox: folder.file('outbox.csv'),
    outcomes: folder.file('outcomes.csv'),
    failure,
  };
}

const inviteAll = async (client: FhirClient, asked: readonly Recipient[], requestKey: string) =>
  asked.length === 0
    ? new Map<string, Invitation>()
    : invite(
        client,
        asked.map(({ nhsNumber }) => nhsNumber),
        requestKey,
      );

function outcomeOf({ fault, nhsNumber }: Recipient, answers: ReadonlyMap<string, Invitation>) {
  if (fault) return { outcome: fault };
  const { outcome, code, token, expiry } = answers.get(nhsNumber) ?? { outcome: 'repeated' };
  return code && token && expiry ? { outcome, pair: { code, token, expiry } } : { outcome };
}
