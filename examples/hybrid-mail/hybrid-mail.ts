/** Sends letters on screen first, and lists which must go by post. See README.md beside it. */
import { join } from 'node:path';
import { createFhirClient } from '../shared/fhir-client.ts';
import { openFolder } from '../shared/ledger.ts';
import { type Receipt, type Status, statusOf } from '../shared/operations.ts';
import { createProgress } from '../shared/progress.ts';
import { runProgram, tellWait } from '../shared/run-program.ts';
import { readSettings } from '../shared/settings.ts';
import { stopOnInterrupt } from '../shared/stop-on-interrupt.ts';
import { awaitReceipts } from './await-receipts.ts';
import { invitePatients } from './invite-patients.ts';
import { INLINE_BYTES_MAX } from './letter-document.ts';
import { FLAGS, HELP, readOptions } from './options.ts';
import { listenForReceipts } from './push/listen-for-receipts.ts';
import { readLetters } from './read-letters.ts';
import { type SentLetter, sendLetters } from './send-letters.ts';
import { tellOutcome } from './tell-outcome.ts';
import { whatNext } from './what-next.ts';

const SCOPES = [
  'system/Patient.s',
  'system/DocumentReference.crus',
  'system/DocumentReference.$read-receipt-query',
  'system/Organization.$generate-invitation-tokens',
  'system/Patient.$status-query',
];

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const { hours, waitMs, everyMs, atOnce, address } = readOptions(flags);
  const settings = readSettings(flags, process.env, 'Postbridge Letters');
  const letters = readLetters(flags.folder ?? join(import.meta.dirname, 'letters'));
  const folder = openFolder(flags.out ?? '.data/hybrid-mail');
  const signal = stopOnInterrupt();
  const now = () => new Date();
  const scopes = [
    ...SCOPES,
    ...(letters.some(({ bytes }) => bytes > INLINE_BYTES_MAX) ? ['system/Binary.c'] : []),
    ...(address ? ['system/Subscription.cds'] : []),
  ];
  const client = createFhirClient(settings, { scopes, onWait: tellWait });

  const statuses = await statusOf(
    client,
    letters.map(({ nhsNumber }) => nhsNumber),
  );
  const { fhirBase } = settings;
  const push = address && (await listenForReceipts(client, { ...address, fhirBase, folder, now, tell: say }));
  let waiting: number | undefined;
  try {
    // Nobody sends a letter to somebody who has died without asking first.
    const toSend = letters.filter(({ nhsNumber }) => !statuses.get(nhsNumber)?.deceased);
    const progress = createProgress({
      total: toSend.length,
      things: 'letters',
      stream: process.stderr,
      now: Date.now,
    });
    const options = { atOnce, signal, now, onDone: progress.step };
    const { sent, failure } = await sendLetters(client, toSend, options).finally(progress.end);
    tellSent(letters.length, sent);
    if (failure) throw failure;

    const toInvite: typeof statuses = signal.aborted ? new Map<string, Status>() : statuses;
    const { invited, earlier, cannot } = await invitePatients(client, toInvite, { folder, now });
    say(`Patients invited now: ${invited}, invited before: ${earlier}`);
    if (invited > 0) say(`  their codes are in ${folder.file('invitations.csv')}`);

    const next = (receipts: ReadonlyMap<string, Receipt>) =>
      letters.map((letter) => {
        const known = {
          status: statuses.get(letter.nhsNumber),
          sent: sent.get(letter.id),
          receipt: receipts.get(letter.id),
          cannotJoin: cannot.get(letter.nhsNumber),
        };
        return { letter, next: whatNext(known, hours, now()) };
      });
    const there = toSend.filter(({ id }) => !['refused', undefined].includes(sent.get(id)?.how));
    const receipts = await awaitReceipts(
      client,
      there.map(({ id }) => id),
      {
        until: new Date(Date.now() + waitMs),
        everyMs,
        signal,
        now,
        ...(push && { pause: push.pause }),
        stillWaiting: (asked) => next(asked).filter((one) => one.next.do === 'wait').length,
        onAsked: (count) => {
          if (count > 0 && count !== waiting) say(`Waiting for ${count} to be read`);
          waiting = count;
        },
      },
    );
    return tellOutcome(next(receipts), folder.file('post.csv'));
  } finally {
    await push?.stop(waiting === 0);
  }
});

function tellSent(inFolder: number, sent: ReadonlyMap<string, SentLetter>): void {
  const count = (way: SentLetter['how']) => [...sent.values()].filter(({ how }) => how === way).length;
  say(`Letters in the folder: ${inFolder}`);
  say(`  sent now:            ${count('sent')}`);
  say(`  there already:       ${count('there')}`);
  if (count('replaced') > 0) say(`  replaced:            ${count('replaced')}`);
}

function say(what: string): void {
  console.log(what);
}
