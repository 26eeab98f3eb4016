import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Ask } from '../../scripts/operate/ask.ts';
import { runOperator } from '../../scripts/operate/run-operator.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { loadConfig } from '../../src/config.ts';
import { codeAt } from '../../src/sign-in/index.ts';
import { startServer } from '../../src/start-server.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type PageClient, pageClient } from '../support/page-client.ts';

const COMMANDS = ['disable-account', 'enable-account', 'reset-password', 'reset-second-factor'];
const auditKey = randomBytes(32);
const key = () => randomBytes(32).toString('base64');

let db: TestDatabase;
let directory: string;
let env: Record<string, string>;
let server: Awaited<ReturnType<typeof startServer>>;
let people = 0;

before(async () => {
  db = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), 'operator-'));
  env = {
    DATABASE_URL: db.url,
    DATA_DIR: directory,
    DEMO: 'false',
    LOG_LEVEL: 'silent',
    PORT: '0',
    SECRET_PEPPER: key(),
    COOKIE_KEY: key(),
    AUDIT_KEY: auditKey.toString('base64'),
    ENCRYPTION_KEY: key(),
  };
  await done(
    'add-organisation',
    '--name=Harbour Trust',
    '--ods-code=ZX1',
    ...administrator('ada@example.org'),
  );
  server = await startServer(loadConfig(env));
});
after(async () => {
  await server?.stop();
  await db.stop();
  await rm(directory, { recursive: true });
});

const administrator = (email: string) => [`--administrator-email=${email}`, '--administrator-name=Ada Min'];
const line = (text: string, name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)![1]!;

async function done(...args: string[]): Promise<string> {
  const { code, text } = await runOperator(args, env);
  assert.equal(code, 0, text);
  return text;
}

/** Somebody with an account, and the password that was printed for them. */
async function newPerson(role = 'professional') {
  const email = `pat${++people}@example.org`;
  const text = await done(
    'add-staff',
    '--organisation=ZX1',
    `--email=${email}`,
    '--name=Pat Smith',
    `--role=${role}`,
  );
  return { email, password: line(text, 'Password') };
}

async function enter(
  { email, password }: { email: string; password: string },
  client = pageClient(server.app),
) {
  await client.get('/sign-in');
  const answer = await client.post('/sign-in', { email, password, next: '/account' });
  return Object.assign(client, { led: String(answer.headers.location ?? answer.statusCode) });
}

async function enrol(client: PageClient) {
  const offer = (await client.get('/sign-in/set-up-code')).body;
  const secret = /id="setup-key">([A-Z2-7 ]+)</.exec(offer)![1]!.replaceAll(' ', '');
  const code = codeAt(secret, new Date());
  return (await client.post('/sign-in/set-up-code', { code, next: '/account' })).headers.location;
}

const isIn = async (client: PageClient) => (await client.get('/account')).statusCode === 200;

const records = async () =>
  (
    await db.database.owner.query(
      `select interaction, outcome, status, resource_type, resource_id, detail
         from audit_record where kind = 'operator' order by at, chain`,
    )
  ).rows;
const accounts = async () =>
  (await db.database.owner.query('select json_agg(a order by a.id)::text as all from account a')).rows[0].all;

test('an account is disabled while it is open in a browser, and enabled again', async () => {
  const person = await newPerson();
  const open = await enter(person);
  assert.equal(await isIn(open), true);
  const said = await done('disable-account', person.email, '--yes');
  assert.match(
    said,
    /^The account of Pat Smith <pat\d+@example\.org> is disabled: nobody can sign in with it\.\n/,
  );
  assert.match(
    said,
    /\nEnded: 1 open session, 0 unused pairs of codes, 0 connections with a clinical system, 0 connections with/,
  );
  assert.equal(await isIn(open), false);
  assert.equal((await enter(person)).led, '422');
  assert.match(await done('enable-account', person.email, '--yes'), /give reset-second-factor now/);
  assert.equal(await isIn(open), false);
  assert.equal((await enter(person)).led, '/account');
});

test('somebody who lost the authenticator signs in with what was printed, and sets up another', async () => {
  const person = await newPerson('coordinator');
  const open = await enter(person);
  assert.equal(await enrol(open), '/account');
  assert.match((await enter(person)).led, /^\/sign-in\/code/);

  const said = await done('reset-second-factor', person.email, '--yes');
  assert.equal(await isIn(open), false);
  assert.equal((await enter(person)).led, '422', 'the password alone is worth nothing');
  const oneTime = { email: person.email, password: line(said, 'One-time password') };
  const back = await enter(oneTime);
  assert.match(back.led, /^\/sign-in\/new-password/);
  await back.get(back.led);
  const own = 'seven quiet harbours';
  const chosen = await back.post('/sign-in/new-password', { password: own, again: own, next: '/account' });
  assert.match(String(chosen.headers.location), /^\/sign-in\/set-up-code/);
  assert.equal(await enrol(back), '/account');
  assert.equal(await isIn(back), true);
  assert.match((await enter({ ...person, password: own })).led, /^\/sign-in\/code/);
  assert.equal((await enter(oneTime)).led, '422', 'it was for one time');

  const kept = JSON.stringify([await accounts(), await records()]);
  assert.ok(!kept.includes(oneTime.password) && !kept.includes(own), 'only hashes are kept');
});

test('a disabled account can be reset before anybody is let in again, and a forgotten password twice', async () => {
  const person = await newPerson();
  await done('disable-account', person.email, '--yes');
  const first = await done('reset-password', person.email, '--yes');
  assert.match(first, /nobody gets in before enable-account/);
  const oneTime = { email: person.email, password: line(first, 'One-time password') };
  assert.equal((await enter(oneTime)).led, '422');
  await done('enable-account', person.email, '--yes');
  assert.match((await enter(oneTime)).led, /^\/sign-in\/new-password/);
  const second = await done('reset-password', person.email, '--yes');
  assert.match(second, /Ended: 1 open session/);
  assert.equal((await enter(oneTime)).led, '422');
  const newer = { email: person.email, password: line(second, 'One-time password') };
  assert.match((await enter(newer)).led, /^\/sign-in\/new-password/);
});

test('who is nobody, and what is so already, is refused, changes nothing, and is not asked about', async () => {
  const person = await newPerson();
  await done('disable-account', person.email, '--yes');
  const never: Ask = async () => assert.fail('was asked');
  const before = await accounts();
  for (const [command, email, says, outcome] of [
    ...COMMANDS.map(
      (command) => [command, 'nobody@example.org', /No staff account has this/, 'ACCOUNT_UNKNOWN'] as const,
    ),
    ['disable-account', 'nobody', /e-mail address must be/, 'DETAILS_INVALID'],
  ] as const) {
    const said = await runOperator([command, email], env, never);
    assert.deepEqual([said.code, says.test(said.text)], [1, true], said.text);
    const { outcome: kept, status, detail, resource_id } = (await records()).at(-1);
    assert.deepEqual([kept, status, resource_id], [outcome, 422, null]);
    assert.doesNotMatch(detail, /nobody/, 'whatever somebody typed is not for the log');
  }
  const twice = await runOperator(['disable-account', person.email, '--yes'], env);
  assert.deepEqual([twice.code, /disabled already, since \d{4}-/.test(twice.text)], [1, true]);
  assert.equal((await records()).at(-1).outcome, 'ACCOUNT_DISABLED');
  assert.equal(await accounts(), before);
  const other = await newPerson();
  assert.match((await runOperator(['enable-account', other.email, '--yes'], env)).text, /is not disabled/);
});

test('each asks first, names the person, and does nothing without a yes', async () => {
  const person = await newPerson();
  const open = await enter(person);
  const [before, kept] = [await accounts(), (await records()).length];
  for (const command of COMMANDS.filter((name) => name !== 'enable-account')) {
    const asked: string[] = [];
    const no: Ask = async (question) => asked.push(question) === 0;
    const said = await runOperator([command, person.email], env, no);
    assert.deepEqual(said, { code: 1, text: 'Nothing was changed.' });
    assert.match(asked.join(), new RegExp(`Pat Smith <${person.email}>`));
    const unasked = await runOperator([command, person.email], env);
    assert.equal(unasked.code, 2);
    assert.match(unasked.text, /give --yes to have it done/);
  }
  assert.deepEqual([await accounts(), (await records()).length], [before, kept]);
  assert.equal(await isIn(open), true);
  assert.equal((await runOperator(['disable-account', person.email], env, async () => true)).code, 0);
  assert.equal(await isIn(open), false);
});

test('each is in the audit, with whom it concerned and what it ended, in a chain that stands', async () => {
  const { email } = await newPerson();
  const id = (await db.database.owner.query('select id from account where email = $1', [email])).rows[0].id;
  for (const command of COMMANDS) {
    await done(command, email, '--yes');
    const { detail, ...record } = (await records()).at(-1);
    assert.deepEqual(record, {
      interaction: command,
      outcome: 'allowed',
      status: 200,
      resource_type: 'account',
      resource_id: id,
    });
    const ended =
      command === 'enable-account' ? /^by \S+$/ : /^by \S+: \{"sessions":0,"codes":0,"pairings":0,/;
    assert.match(detail, ended);
  }
  const client = await db.database.owner.connect();
  try {
    for await (const report of verifyAudit(client, auditKey, [])) assert.equal(report.broken, null);
  } finally {
    client.release();
  }
});

test('no one-time password is shown that the audit does not know of, and what was ended stays ended', async () => {
  const person = await newPerson();
  await db.database.owner.query(
    `alter table audit_record add constraint none check (interaction not like 'reset%') not valid`,
  );
  try {
    const { code, text } = await runOperator(['reset-password', person.email, '--yes'], env);
    assert.equal(code, 1);
    assert.match(text, /It was done .*could not be recorded/);
    assert.doesNotMatch(text, /One-time password/);
  } finally {
    await db.database.owner.query('alter table audit_record drop constraint none');
  }
  assert.equal((await enter(person)).led, '422');
});

test('they say what they take', async () => {
  const overview = (await runOperator([], env)).text;
  for (const command of COMMANDS) {
    assert.match(overview, new RegExp(`^  ${command} +\\w`, 'm'));
    const { code, text } = await runOperator([command, '--help'], env);
    assert.equal(code, 0);
    assert.match(text, /\[--email\] <e-mail>[\s\S]*--yes/);
  }
  for (const [args, says] of [
    [['disable-account', '--yes'], /^Missing: --email/],
    [['disable-account', 'a@example.org', 'b@example.org', '--yes'], /--email is given twice/],
    [['disable-account', 'a@example.org', '--email=b@example.org'], /--email is given twice/],
    [['end-staff', '--yes'], /--yes/],
    [['end-staff', 'a@example.org'], /a@example\.org/],
  ] as const) {
    const said = await runOperator([...args], { DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    assert.deepEqual([said.code, says.test(said.text)], [2, true], said.text);
  }
});
