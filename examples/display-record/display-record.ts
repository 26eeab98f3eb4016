/** Prints a patient's problems, medicines, allergies and latest results as tables. See README.md beside it. */
import type { Patient } from '@medplum/fhirtypes';
import { createFhirClient, type FhirClient } from '../shared/fhir-client.ts';
import { findPatient } from '../shared/find-patient.ts';
import { EXIT_HELP, runProgram, tellWait } from '../shared/run-program.ts';
import { CONNECTION_FLAGS, CONNECTION_HELP, readSettings, type Settings } from '../shared/settings.ts';
import { UsageError } from '../shared/usage-error.ts';
import { SECTIONS, sectionText } from './sections.ts';
import { patientLine } from './words.ts';

const HELP = `Prints a patient's problems, medicines, allergies and latest results.

  node examples/display-record/display-record.ts --nhs-number 9990000026

  --nhs-number NUMBER  whose record; in the demo world, without it, the organisation's first patient
  --patient ID         whose record, by the id of the Patient resource
  --results N          how many of the latest results (default 20, at most 200)

${CONNECTION_HELP}

${EXIT_HELP}`;

const FLAGS = {
  ...CONNECTION_FLAGS,
  'nhs-number': { type: 'string' },
  patient: { type: 'string' },
  results: { type: 'string' },
} as const;

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const results = Number(flags.results ?? 20);
  if (!Number.isInteger(results) || results < 1 || results > 200)
    throw new UsageError('--results is a number from 1 to 200.');
  const settings = readSettings(flags, process.env, 'Openward Shared Record');
  const scopes = ['system/Patient.rs', ...SECTIONS.map(({ type }) => `system/${type}.rs`)];
  const client = createFhirClient(settings, { scopes, onWait: tellWait });

  const patient = await wantedPatient(client, settings, flags);
  const width = process.stdout.columns ?? 110;
  const texts = SECTIONS.map((section) =>
    sectionText(client, section, { patient: patient.id!, results, width }),
  );
  console.log(`${patientLine(patient)}\n`);
  for (const text of await Promise.all(texts)) console.log(`${text}\n`);
  console.log(
    'Only what the organisation may see and this connection covers: other records may exist elsewhere.',
  );
  return 0;
});

async function wantedPatient(
  client: FhirClient,
  { demo, fhirBase }: Settings,
  flags: { 'nhs-number'?: string; patient?: string },
): Promise<Patient> {
  if (flags.patient) return client.read('Patient', flags.patient);
  const organisation = demo?.organisations.find((one) => one.fhirBase === fhirBase)?.publicId;
  const first = demo?.patients.find(({ organisations }) => organisations.includes(organisation ?? ''));
  const nhsNumber = flags['nhs-number'] ?? first?.nhsNumber;
  if (!nhsNumber) throw new UsageError('Say whose record: --nhs-number or --patient.');
  const patient = await findPatient(client, nhsNumber);
  if (!patient) throw new Error('No patient with this NHS number is registered with the organisation.');
  return patient;
}
