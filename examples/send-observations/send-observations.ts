/** Sends home blood pressure readings from a CSV file, each exactly once. See README.md beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFhirClient } from '../shared/fhir-client.ts';
import { createProgress } from '../shared/progress.ts';
import { EXIT_HELP, runProgram, tellWait } from '../shared/run-program.ts';
import {
  CONNECTION_FLAGS,
  CONNECTION_HELP,
  demoOrganisation,
  readSettings,
  type Settings,
} from '../shared/settings.ts';
import { stopOnInterrupt } from '../shared/stop-on-interrupt.ts';
import { UsageError } from '../shared/usage-error.ts';
import { readReadings } from './read-readings.ts';
import { sendReadings } from './send-readings.ts';

const HELP = `Sends blood pressure readings from a CSV file to patients' records.
Safe to run again: what is there already is not sent twice, and after a break it goes on where it stopped.

  node examples/send-observations/send-observations.ts --nhs-number 9990000026

  --file FILE          the readings (a week of one person's, beside the program)
  --nhs-number NUMBER  whose they are, unless the file has a column nhs_number;
                       in the demo world, without it, the organisation's first patient
  --correct            replace readings that are there already with what the file says
  --at-once N          how many requests are under way together (default 4, at most 16)

${CONNECTION_HELP}

${EXIT_HELP}`;

const FLAGS = {
  ...CONNECTION_FLAGS,
  file: { type: 'string' },
  'nhs-number': { type: 'string' },
  correct: { type: 'boolean' },
  'at-once': { type: 'string' },
} as const;

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const atOnce = Number(flags['at-once'] ?? 4);
  if (!Number.isInteger(atOnce) || atOnce < 1 || atOnce > 16)
    throw new UsageError('--at-once is a number from 1 to 16.');
  const file = flags.file ?? join(import.meta.dirname, 'readings.csv');
  const settings = readSettings(flags, process.env, 'Pulsehome Monitoring');
  const readings = readReadings(textOf(file), flags['nhs-number'] ?? demoPatient(settings));

  const client = createFhirClient(settings, {
    scopes: ['system/Patient.rs', 'system/Observation.crus'],
    onWait: tellWait,
  });
  const progress = createProgress({
    total: readings.length,
    things: 'readings',
    stream: process.stderr,
    now: Date.now,
  });
  const sent = await sendReadings(client, readings, {
    atOnce,
    correct: flags.correct ?? false,
    signal: stopOnInterrupt(),
    onDone: progress.step,
  }).finally(progress.end);

  const { created, existed, refused, left, failure } = sent;
  if (failure && created + existed + refused.length === 0) throw failure;
  console.log(`Readings in the file: ${readings.length}`);
  console.log(`  sent now:           ${created}`);
  console.log(`  ${flags.correct ? 'replaced:          ' : 'there already:     '} ${existed}`);
  if (refused.length > 0) console.log(`  refused:            ${refused.length}`);
  if (left > 0) console.log(`  not sent yet:       ${left}. Run the same command again to go on.`);
  for (const line of refused.slice(0, 20)) console.error(line);
  if (refused.length > 20) console.error(`… and ${refused.length - 20} more.`);
  if (failure) throw failure;
  return refused.length + left > 0 ? 1 : 0;
});

function demoPatient(settings: Settings): string | undefined {
  const organisation = demoOrganisation(settings)?.publicId ?? '';
  return settings.demo?.patients.find(({ organisations }) => organisations.includes(organisation))?.nhsNumber;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
}
