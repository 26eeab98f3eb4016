/** Invites the patients of a CSV file by text message, each once. See README.md beside it. */
import { join } from 'node:path';
import { createFhirClient } from '../shared/fhir-client.ts';
import { joinAddress, whyNot } from '../shared/invitation-words.ts';
import { openFolder } from '../shared/ledger.ts';
import { statusOf } from '../shared/operations.ts';
import { createProgress } from '../shared/progress.ts';
import { EXIT_HELP, runProgram, tellWait } from '../shared/run-program.ts';
import { CONNECTION_FLAGS, CONNECTION_HELP, demoOrganisation, readSettings } from '../shared/settings.ts';
import { stopOnInterrupt } from '../shared/stop-on-interrupt.ts';
import { UsageError } from '../shared/usage-error.ts';
import { readRecipients } from './read-recipients.ts';
import { runCampaign } from './run-campaign.ts';

const HELP = `Invites patients by text message: two messages each, so that neither is enough alone. The messages are written to
outbox.csv for a text service to send, and what came of each row to outcomes.csv.
Safe to run again: it goes on after the last row that has an outcome, and no message is written twice.

  node examples/sms-campaign/sms-campaign.ts --file patients.csv --from "Ashgrove Surgery"

  --file FILE          a CSV with the columns nhs_number and mobile
  --from NAME          who invites, as the messages name it (in the demo world, the organisation)
  --out FOLDER         this campaign's files (.data/sms-campaign); another folder is another campaign
  --dry-run            make no invitation: only say how many would be invited

${CONNECTION_HELP}

${EXIT_HELP}`;

const FLAGS = {
  ...CONNECTION_FLAGS,
  file: { type: 'string' },
  from: { type: 'string' },
  out: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const settings = readSettings(flags, process.env, 'Arrivo Text Invitations');
  const from = flags.from ?? demoOrganisation(settings)?.name;
  if (!from || from.length > 50)
    throw new UsageError('Say who invites, in at most 50 characters: --from "Ashgrove Surgery".');
  const recipients = readRecipients(flags.file ?? join(import.meta.dirname, 'patients.csv'));
  const dryRun = flags['dry-run'] ?? false;
  const client = createFhirClient(settings, {
    scopes: [dryRun ? 'system/Patient.$status-query' : 'system/Organization.$generate-invitation-tokens'],
    onWait: tellWait,
  });

  if (dryRun) {
    const usable = recipients.flatMap(({ fault, nhsNumber }) => (fault ? [] : [nhsNumber]));
    const found = [...(await statusOf(client, usable)).values()];
    const known = found.filter(({ outcome, deceased }) => outcome === 'found' && !deceased);
    console.log(`Rows in the file: ${recipients.length}`);
    console.log(`  could be invited: ${known.filter(({ registered }) => !registered).length} at most`);
    console.log('Nothing was made, nothing was written.');
    return 0;
  }

  const progress = createProgress({
    total: recipients.length,
    things: 'rows',
    stream: process.stderr,
    now: Date.now,
  });
  const { counts, left, earlier, outbox, outcomes, failure } = await runCampaign(client, recipients, {
    folder: openFolder(flags.out ?? '.data/sms-campaign'),
    from,
    join: joinAddress(settings.fhirBase),
    signal: stopOnInterrupt(),
    onDone: progress.step,
  }).finally(progress.end);

  if (failure && counts.size === 0 && earlier === 0) throw failure;
  console.log(`Rows in the file: ${recipients.length}`);
  if (earlier > 0) console.log(`  done in an earlier run: ${earlier}`);
  for (const [outcome, count] of counts)
    console.log(`  ${outcome}: ${count}${outcome === 'invited' ? '' : ` (${whyNot(outcome)})`}`);
  if (left > 0) console.log(`  not tried yet: ${left}. Run the same command again to go on.`);
  console.log(`Messages to send: ${outbox}\nOutcome of each row: ${outcomes}`);
  if (failure) throw failure;
  return left > 0 ? 1 : 0;
});
