/** One patient checks in and is offered access to their record. See README.md beside it. */
import { createFhirClient } from '../shared/fhir-client.ts';
import { checkedNhsNumber } from '../shared/find-patient.ts';
import { mobileNumber, whyNot } from '../shared/invitation-words.ts';
import { openFolder } from '../shared/ledger.ts';
import { EXIT_HELP, runProgram, tellWait } from '../shared/run-program.ts';
import {
  CONNECTION_FLAGS,
  CONNECTION_HELP,
  demoOrganisation,
  readSettings,
  type Settings,
} from '../shared/settings.ts';
import { UsageError } from '../shared/usage-error.ts';
import { checkIn } from './check-in.ts';
import { writeMessages } from './messages.ts';

const HELP = `One patient checks in at a kiosk: it asks whether they use their record yet and, if not, makes an invitation, of
which one code goes by e-mail and the other by text message. Both are written to files; nothing is sent for real.

  node examples/kiosk/kiosk.ts --nhs-number 9990000026 --birth-date 1980-03-31 \\
    --email nia@example.org --mobile 07700900123

  --nhs-number NUMBER  who is at the kiosk
  --birth-date DATE    the date of birth that they typed, as 1980-03-31
  --email ADDRESS      the two ways to reach them, as they typed them: both are
  --mobile NUMBER      needed, so that no single message is enough to join
  --out FOLDER         where messages are written (.data/kiosk)
In the demo world, without any of them, an adult of the organisation who has not joined yet checks in.

${CONNECTION_HELP}

${EXIT_HELP}`;

const FLAGS = {
  ...CONNECTION_FLAGS,
  'nhs-number': { type: 'string' },
  'birth-date': { type: 'string' },
  email: { type: 'string' },
  mobile: { type: 'string' },
  out: { type: 'string' },
} as const;

const VISITOR = ['nhs-number', 'birth-date', 'email', 'mobile'] as const;

await runProgram({ help: HELP, flags: FLAGS }, async (flags) => {
  const settings = readSettings(flags, process.env, 'Arrivo Kiosk');
  const typed = VISITOR.some((name) => flags[name] !== undefined);
  const visitor = visitorOf(typed ? flags : demoVisitor(settings));
  const folder = openFolder(flags.out ?? '.data/kiosk');
  const client = createFhirClient(settings, {
    scopes: ['system/Patient.$status-query', 'system/Organization.$generate-invitation-tokens'],
    onWait: tellWait,
  });

  const result = await checkIn(client, visitor, folder.requestKey);
  if (result.came === 'ask-at-desk') {
    console.log('Please ask at the desk: we could not find you by what you entered.');
    return 1;
  }
  console.log('You are checked in.');
  if (result.came === 'not-invited') {
    console.log(`No invitation: the patient ${whyNot(result.outcome)}.`);
    return 0;
  }
  const written = writeMessages(folder, visitor, result.invitation, settings.fhirBase);
  console.log('An invitation to your record is on its way: one code by e-mail, the other by text message.');
  for (const file of written) console.log(`  written to ${file}`);
  return 0;
});

type Typed = Partial<Record<(typeof VISITOR)[number], string | undefined>>;

function visitorOf(typed: Typed) {
  const { email = '', mobile: number = '' } = typed;
  if (!typed['nhs-number']) throw new UsageError('Say who checks in: --nhs-number.');
  const birthDate = typed['birth-date'] ?? '';
  if (!/^\d{4}-\d\d-\d\d$/.test(birthDate))
    throw new UsageError('--birth-date is a date such as 1980-03-31.');
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new UsageError('--email is an e-mail address.');
  const mobile = mobileNumber(number);
  if (!mobile) throw new UsageError('--mobile is a United Kingdom mobile number, such as 07700900123.');
  return { nhsNumber: checkedNhsNumber(typed['nhs-number']), birthDate, email, mobile };
}

function demoVisitor(settings: Settings): Typed {
  const organisation = demoOrganisation(settings)?.publicId ?? '';
  const adult = settings.demo?.patients.find(
    ({ organisations, email, birthDate }) =>
      organisations.includes(organisation) && !email && Number(birthDate.slice(0, 4)) < 2000,
  );
  return (
    (adult && {
      'nhs-number': adult.nhsNumber,
      'birth-date': adult.birthDate,
      email: 'patient@example.org',
      mobile: '07700900123',
    }) ??
    {}
  );
}
