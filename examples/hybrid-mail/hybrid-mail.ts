/** Sends letters on screen first, and lists which must go by post. See README.md beside it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvLine } from '../shared/csv.ts';
import { createFhirClient } from '../shared/fhir-client.ts';
import { openFolder } from '../shared/ledger.ts';
import { type Receipt, statusOf } from '../shared/operations.ts';
import { createProgress } from '../shared/progress.ts';
import { EXIT_HELP, runProgram, tellWait } from '../shared/run-program.ts';
import { CONNECTION_FLAGS, CONNECTION_HELP, readSettings } from '../shared/settings.ts';
import { stopOnInterrupt } from '../shared/stop-on-interrupt.ts';
import { UsageError } from '../shared/usage-error.ts';
import { awaitReceipts } from './await-receipts.ts';
import { invitePatients } from './invite-patients.ts';
import { readLetters } from './read-letters.ts';
import { sendLetters } from './send-letters.ts';
import { whatNext } from './what-next.ts';

const HELP = `Sends a folder of letters to patients' records, invites the patients who do not use theirs yet, waits for the
letters to be read, and lists which must be printed and posted.
Safe to run again: a letter that is there is not sent twice, nobody is invited twice, and receipts are asked for anew.

  node examples/hybrid-mail/hybrid-mail.ts --folder letters --hours 72 --wait 60

  --folder FOLDER      the letters and their letters.csv (a few for the demo world, beside the program)
  --hours N            post a letter that has not been read so many hours after it was sent (72)
  --wait MINUTES       keep asking for receipts for so long, while any is waited for (0: ask once)
  --every SECONDS      how often (30)
  --out FOLDER         where invitations.csv and post.csv are written (.data/hybrid-mail)
  --at-once N          how many letters are under way together (default 4, at most 16)

${CONNECTION_HELP}

${EXIT_HELP}`;

const FLAGS = {
  ...CONNECTION_FLAGS,
  folder: { type: 'string' },
  hours: { type: 'string' },
  wait: { type: 'string' },
  every: { type: 'string' },
  out: { type: 'string' },
  'at-once': { type: 'string' },
} as const;

const SCOPES = [
  'system/Patient.s',
  'system/DocumentReference.crus',
  'system/DocumentReference.$read-receipt-query',
  'system/Organization.$generate-invitation-tokens',
  'system/Patient.$status-query',
];

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const hours = number('--hours', flags.hours, 72, 0, 24 * 365);
  const waitMs = number('--wait', flags.wait, 0, 0, 7 * 24 * 60) * 60_000;
  const everyMs = number('--every', flags.every, 30, 1, 3600) * 1000;
  const atOnce = number('--at-once', flags['at-once'], 4, 1, 16);
  const settings = readSettings(flags, process.env, 'Postbridge Letters');
  const letters = readLetters(flags.folder ?? join(import.meta.dirname, 'letters'));
  const folder = openFolder(flags.out ?? '.data/hybrid-mail');
  const signal = stopOnInterrupt();
  const now = () => new Date();
  const client = createFhirClient(settings, { scopes: SCOPES, onWait: tellWait });

  const statuses = await statusOf(
    client,
    letters.map(({ nhsNumber }) => nhsNumber),
  );
  // Nobody sends a letter to somebody who has died without asking first.
  const toSend = letters.filter(({ nhsNumber }) => !statuses.get(nhsNumber)?.deceased);
  const progress = createProgress({
    total: toSend.length,
    things: 'letters',
    stream: process.stderr,
    now: Date.now,
  });
  const { sent, failure } = await sendLetters(client, toSend, {
    atOnce,
    signal,
    now,
    onDone: progress.step,
  }).finally(progress.end);
  const count = (...ways: string[]) => [...sent.values()].filter(({ how }) => ways.includes(how)).length;
  console.log(`Letters in the folder: ${letters.length}`);
  console.log(`  sent now:            ${count('sent')}`);
  console.log(`  there already:       ${count('there')}`);
  if (count('replaced') > 0) console.log(`  replaced:            ${count('replaced')}`);
  if (failure) throw failure;

  const toInvite = signal.aborted ? new Map() : statuses;
  const { invited, earlier, cannot } = await invitePatients(client, toInvite, { folder, now });
  console.log(`Patients invited now: ${invited}, invited before: ${earlier}`);
  if (invited > 0) console.log(`  their codes are in ${folder.file('invitations.csv')}`);

  const next = (receipts: ReadonlyMap<string, Receipt>) =>
    letters.map((letter) => ({
      letter,
      next: whatNext(
        {
          status: statuses.get(letter.nhsNumber),
          sent: sent.get(letter.id),
          receipt: receipts.get(letter.id),
          cannotJoin: cannot.get(letter.nhsNumber),
        },
        hours,
        now(),
      ),
    }));
  const there = toSend.filter(({ id }) => !['refused', undefined].includes(sent.get(id)?.how));
  const receipts =
    there.length === 0
      ? new Map<string, Receipt>()
      : await awaitReceipts(
          client,
          there.map(({ id }) => id),
          {
            until: new Date(Date.now() + waitMs),
            everyMs,
            signal,
            now,
            stillWaiting: (asked) => next(asked).filter((one) => one.next.do === 'wait').length,
            onAsked: (waiting) => waiting > 0 && console.log(`Waiting for ${waiting} to be read`),
          },
        );
  return tell(next(receipts), folder.file('post.csv'));
});

type Decided = { letter: ReturnType<typeof readLetters>[number]; next: ReturnType<typeof whatNext> };

/** Says what came of the letters and writes down which to post. Returns the exit code. */
function tell(decided: Decided[], postFile: string): number {
  const which = (what: Decided['next']['do']) => decided.filter(({ next }) => next.do === what);
  const list = (title: string, some: Decided[]) => {
    console.log(`${title}: ${some.length}`);
    for (const { letter, next } of some.slice(0, 50)) console.log(`  ${letter.id}  ${next.why}`);
    if (some.length > 50) console.log(`  … and ${some.length - 50} more`);
  };
  list('Read on screen', which('nothing'));
  list('Waiting', which('wait'));
  list('To be posted', which('post'));
  if (which('ask').length > 0) list('To be looked at by a person', which('ask'));
  const rows = which('post').map(({ letter: { id, nhsNumber, file }, next: { why } }) => [
    id,
    nhsNumber,
    file,
    why,
  ]);
  const lines = [['letter_id', 'nhs_number', 'file', 'why'], ...rows].map(csvLine);
  writeFileSync(postFile, lines.join(''), { mode: 0o600 });
  console.log(`What to post is in ${postFile}`);
  const undone = decided.some(({ next }) => next.do === 'ask' && next.undone);
  return undone ? 1 : 0;
}

function number(flag: string, text: string | undefined, otherwise: number, min: number, max: number) {
  const value = text === undefined ? otherwise : Number(text || 'none');
  if (!(value >= min && value <= max)) throw new UsageError(`${flag} is a number from ${min} to ${max}.`);
  if (flag === '--at-once' && !Number.isInteger(value)) throw new UsageError(`${flag} is a whole number.`);
  return value;
}
