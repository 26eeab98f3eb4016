/**
 * The product from end to end, as its users meet it: starts it with the demo world, grants third-party systems access on
 * the administrators' pages, lets the example programs work, revokes, and shows that they are refused.
 */
import { dirname, join } from 'node:path';
import { signInAs } from './administrator.ts';
import { freePort } from './free-port.ts';
import { signInAsPatient } from './patient.ts';
import { type Meanwhile, runExample, type Says, say } from './run-example.ts';
import { startProduct } from './start-product.ts';

const DISPLAY = 'display-record';
const SEND = 'send-observations';
const MAIL = 'hybrid-mail';
const ODS_CODE = 'ZX2';
/** Where the letters' and the campaign's patients are registered. */
const PRACTICE = 'Z99901';
const HOSPITAL = 'ZX1';
/** Of the letters that come with the program, the one to somebody who uses their record already. */
const READ_BY = { nhsNumber: '9998898617', title: 'Your recent blood tests' };
const REFUSED = 3;
const REVOKED = /connection-revoked.*\n.*\nReference: [0-9a-f-]{36}/;

const started = Date.now();
console.log('Starting the service with its demo world in a temporary folder …');
const product = await startProduct({ PUSH_TO_LOOPBACK: 'true' });
let stopping: Promise<void> | undefined;
const stop = () => {
  stopping ??= product.stop();
  return stopping;
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await stop();
    process.exit(1);
  });
}

try {
  await tour();
  say(`All as it should be, in ${Math.round((Date.now() - started) / 1000)} seconds.`);
} catch (error) {
  console.error(`\nNot as it should be: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await stop();
}

async function tour(): Promise<void> {
  await readAndSend();
  await sendLetters();
  await inviteByKioskAndText();
}

async function administratorOf(code: string) {
  const { baseUrl, demo } = product;
  const organisation = demo.organisations.find(({ odsCode }) => odsCode === code)!;
  const account = demo.staff.find(
    (one) => one.role === 'administrator' && one.organisation === organisation.publicId,
  )!;
  say(`Signing in at ${baseUrl} as ${account.email}, administrator of ${organisation.name}`);
  return signInAs(baseUrl, account);
}

async function readAndSend(): Promise<void> {
  const administrator = await administratorOf(ODS_CODE);
  const granted: string[] = [];
  for (const system of ['Openward Shared Record', 'Pulsehome Monitoring']) {
    say(`Granting access to ${system}`);
    const { connectionId, said } = await administrator.grant(system);
    granted.push(connectionId);
    console.log(said);
  }

  await example(DISPLAY, ['--results', '5']);
  expect(await example(SEND), /sent now: +28\n/);
  say('The same again: nothing is sent twice');
  expect(await example(SEND), /sent now: +0\n +there already: +28\n/);
  expect(await example(DISPLAY, ['--results', '3']), /Home blood pressure/);

  for (const connectionId of granted) {
    say('Revoking access');
    console.log((await administrator.revoke(connectionId, 'The tour is over.')).said);
  }
  for (const name of [DISPLAY, SEND]) {
    expect(await example(name, [], { wanted: REFUSED }), REVOKED);
  }
}

async function sendLetters(): Promise<void> {
  const administrator = await administratorOf(PRACTICE);
  say('Granting access to Postbridge Letters');
  const { connectionId, said } = await administrator.grant('Postbridge Letters');
  console.log(said);
  const at = { code: PRACTICE };
  expect(await example(MAIL, ['--out', outFolder(MAIL)], at), /sent now: +4\n[\s\S]*invited now: 2,/);
  say('The same again, told by push: a patient reads one letter, and the program is stopped');
  const push = ['--push', `http://127.0.0.1:${await freePort()}/letters`, '--wait', '1', '--every', '3600'];
  const told = await example(MAIL, ['--out', outFolder(MAIL), ...push], { ...at, meanwhile: readOne });
  expect(told, /Waiting for 2 to be read[\s\S]*Read on screen: 1\n/);
  say(
    'The same again three days later, as it were: nothing is sent or invited twice, and the unread is to be posted',
  );
  expect(
    await example(MAIL, ['--out', outFolder(MAIL), '--hours', '0'], at),
    /sent now: +0\n +there already: +4\n[\s\S]*invited now: 0,[\s\S]*To be posted: 4\n/,
  );
  say('Revoking access');
  console.log((await administrator.revoke(connectionId, 'The tour is over.')).said);
  const refused = await example(MAIL, ['--out', outFolder(MAIL)], { ...at, wanted: REFUSED });
  expect(refused, REVOKED);
}

async function readOne(says: Says): Promise<void> {
  await says(/Handshake[\s\S]*Waiting for 3|Waiting for 3[\s\S]*Handshake/);
  const account = product.demo.patients.find(({ nhsNumber }) => nhsNumber === READ_BY.nhsNumber)!;
  const patient = await signInAsPatient(product.baseUrl, account);
  await patient.readLetter(READ_BY.title);
  await says(/Waiting for 2 to be read/);
}

async function inviteByKioskAndText(): Promise<void> {
  const kiosk = await example('kiosk', ['--out', outFolder('kiosk')], { code: HOSPITAL });
  expect(kiosk, /You are checked in\.\nAn invitation/);
  const campaign = ['--out', outFolder('sms-campaign')];
  expect(await example('sms-campaign', campaign, { code: PRACTICE }), /invited: 3\n/);
  say('The same again: nobody is texted twice');
  expect(await example('sms-campaign', campaign, { code: PRACTICE }), /done in an earlier run: 9\n/);
}

function outFolder(name: string): string {
  return join(dirname(product.demoFile), name);
}

function example(
  name: string,
  args: string[] = [],
  { code = ODS_CODE, ...options }: { code?: string; wanted?: number; meanwhile?: Meanwhile } = {},
): Promise<string> {
  return runExample(name, { organisation: code, args, demoFile: product.demoFile, ...options });
}

function expect(written: string, pattern: RegExp): void {
  if (!pattern.test(written)) throw new Error(`The program did not say ${pattern}.`);
}
