import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runOperator } from '../../scripts/operate/run-operator.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { loadConfig } from '../../src/config.ts';
import { keyPair } from '../../src/oauth/fixture.ts';
import { codeAt } from '../../src/sign-in/index.ts';
import { startServer } from '../../src/start-server.ts';
import { startChild } from '../support/child.ts';
import { fieldsOf } from '../support/connections-app.ts';
import { type TestDatabase, testDatabase, withDatabase } from '../support/database.ts';
import { pageClient, textOf } from '../support/page-client.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/operator.ts', import.meta.url));
const auditKey = randomBytes(32);
const key = () => randomBytes(32).toString('base64');
const KEYS = {
  SECRET_PEPPER: key(),
  COOKIE_KEY: key(),
  AUDIT_KEY: auditKey.toString('base64'),
  ENCRYPTION_KEY: key(),
};

let db: TestDatabase;
let directory: string;
let env: Record<string, string>;

before(async () => {
  db = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), 'operator-'));
  env = { DATABASE_URL: db.url, DATA_DIR: directory, DEMO: 'false', LOG_LEVEL: 'silent', PORT: '0', ...KEYS };
});
after(async () => {
  await db.stop();
  await rm(directory, { recursive: true });
});

type Options = Record<string, string>;

const ORGANISATION = {
  name: 'Harbour Trust',
  'ods-code': 'ZX1',
  'administrator-email': 'Ada@Example.org',
  'administrator-name': 'Ada Min',
};
const SYSTEM = {
  company: 'Example Ltd',
  name: 'Example Letters',
  purpose: 'Sends letters to patients.',
  'contact-name': 'Asha Example',
  'contact-email': 'asha@example.org',
  'privacy-notice-url': 'https://example.org/privacy',
  scopes: 'system/Patient.rs  system/Observation.rs',
  'auth-method': 'client_secret_basic',
};

const operate = (command: string, options: Options, settings = env) =>
  runOperator(
    [command, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
    settings,
  );

async function done(command: string, options: Options): Promise<string> {
  const { code, text } = await operate(command, options);
  assert.equal(code, 0, text);
  return text;
}

async function refused(command: string, options: Options, says: RegExp, code = 1) {
  const before = await everything();
  const said = await operate(command, options);
  assert.equal(said.code, code, said.text);
  assert.match(said.text, says);
  assert.deepEqual(await everything(), before, 'a refusal changes nothing');
}

/** All that commands may change. */
async function everything() {
  const tables = [
    'organisation',
    'team',
    'account',
    'staff_role',
    'company',
    'system',
    'system_secret',
    'identity_provider',
  ];
  const rows = tables.map((table) =>
    db.database.owner.query(`select coalesce(json_agg(t order by t::text), '[]') as all from ${table} t`),
  );
  return (await Promise.all(rows)).map((result) => result.rows[0].all);
}

const line = (text: string, name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)![1]!;

const lastRecord = async () =>
  (
    await db.database.owner.query(
      `select interaction, outcome, status, client_id, resource_type, resource_id, organisation_id, detail
         from audit_record where kind = 'operator' order by at desc, chain desc limit 1`,
    )
  ).rows[0];

async function newSystem(more: Options = {}) {
  return line(await done('add-system', { ...SYSTEM, name: `System ${randomUUID()}`, ...more }), 'Client ID');
}

test('from an empty database to a working grant, with nothing but commands, pages and the API', async () => {
  const added = await done('add-organisation', ORGANISATION);
  const clientId = line(await done('add-system', SYSTEM), 'Client ID');
  const secret = line(await done('add-secret', { 'client-id': clientId }), 'Secret');
  await done('approve-system', { 'client-id': clientId });

  const server = await startServer(loadConfig(env));
  try {
    const client = pageClient(server.app);
    const demoProvider = '/demo/identity-provider/.well-known/openid-configuration';
    assert.equal((await client.get(demoProvider)).statusCode, 404, 'the demo is nowhere but in the demo');
    await client.get('/sign-in');
    const entered = await client.post('/sign-in', {
      email: 'ada@example.org',
      password: line(added, 'Password'),
      next: '/connected-systems',
    });
    assert.match(entered.headers.location!, /^\/sign-in\/set-up-code/);
    const offer = (await client.get(entered.headers.location!)).body;
    const totp = /id="setup-key">([A-Z2-7 ]+)</.exec(offer)![1]!.replaceAll(' ', '');
    const code = codeAt(totp, new Date());
    const enrolled = await client.post('/sign-in/set-up-code', { code, next: '/connected-systems' });
    assert.equal(enrolled.headers.location, '/connected-systems');

    const action = `/connected-systems/add/${clientId}`;
    const review = await client.get(action);
    assert.equal(review.statusCode, 200, textOf(review.body));
    const granted = await client.post(action, fieldsOf(review.body, action));
    assert.equal(granted.statusCode, 303, textOf(granted.body));

    const read = () => search(server, line(added, 'Organisation public ID'), clientId, secret);
    assert.deepEqual(await read(), { token: 200, search: 200 });
    await done('suspend-system', { 'client-id': clientId });
    assert.equal((await read()).token, 401, 'a suspended system gets no token');
    await done('resume-system', { 'client-id': clientId });
    assert.deepEqual(await read(), { token: 200, search: 200 });
  } finally {
    await server.stop();
  }
});

/** What a system is answered that asks for a token and then for the organisation's patients. */
async function search(
  { app }: Awaited<ReturnType<typeof startServer>>,
  organisationId: string,
  id: string,
  secret: string,
) {
  const token = await app.inject({
    method: 'POST',
    url: '/oauth/token',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    },
    payload: 'grant_type=client_credentials&scope=system/Patient.rs',
  });
  const answer = await app.inject({
    url: `/organisations/${organisationId}/fhir/R4/Patient?family=nobody`,
    headers: { authorization: `Bearer ${token.json().access_token}` },
  });
  return { token: token.statusCode, search: answer.statusCode };
}

test('an organisation is added whole or not at all', async () => {
  const other = { ...ORGANISATION, 'ods-code': 'zx7 ', 'administrator-email': 'new@example.org' };
  for (const odsCode of ['Z', 'ZX-1', 'ABCDEFGHIJK', "ZX1' or 1=1"]) {
    await refused('add-organisation', { ...other, 'ods-code': odsCode }, /ODS code must have/);
  }
  await refused('add-organisation', { ...other, 'ods-code': 'zx1' }, /ZX1 is here already/);
  for (const email of ['nobody', 'a@b', 'a b@example.org', '<a@example.org>', 'ａ@example.org']) {
    await refused('add-organisation', { ...other, 'administrator-email': email }, /e-mail address must be/);
  }
  await refused('add-organisation', { ...other, name: 'Har\u202ebour' }, /organisation's name/);
  await refused('add-organisation', { ...other, 'administrator-name': 'x'.repeat(201) }, /person's name/);
  assert.match(await done('add-organisation', other), /\(ZX7\)/);
  const teams = await db.database.owner.query(
    `select t.name, t.is_default from team t join organisation o on o.id = t.organisation_id where o.ods_code = 'ZX7'`,
  );
  assert.deepEqual(teams.rows, [{ name: 'Patient Record Team', is_default: true }]);
});

test('a person has one account with one password, and one role in each organisation', async () => {
  await done('add-organisation', {
    ...ORGANISATION,
    'ods-code': 'ZX8',
    'administrator-email': 'eight@example.org',
  });
  const pat = { organisation: 'ZX8', email: 'pat@example.org', name: 'Pat Smith', role: 'professional' };
  await refused('add-staff', { ...pat, role: 'owner' }, /role must be one of/);
  await refused('add-staff', { ...pat, organisation: 'NONE1' }, /no organisation with the ODS code NONE1/);
  assert.match(await done('add-staff', pat), /Password: [a-z2-9-]{27}\n/);
  await refused('add-staff', { ...pat, email: 'PAT@example.org' }, /has a role in the organisation already/);
  await refused('add-staff', { ...pat, role: 'administrator' }, /end it before/);
  await done('add-organisation', {
    ...ORGANISATION,
    'ods-code': 'ZX9',
    'administrator-email': 'nine@example.org',
  });
  const again = await done('add-staff', {
    ...pat,
    organisation: 'ZX9',
    name: 'Someone Else',
    role: 'coordinator',
  });
  assert.match(
    again,
    /^Pat Smith <pat@example\.org> is coordinator\. They sign in with the password they have\.$/,
  );

  assert.equal(
    await done('end-staff', { organisation: 'ZX8', email: 'pat@example.org' }),
    'The role has ended.',
  );
  await refused('end-staff', { organisation: 'ZX8', email: 'pat@example.org' }, /Nobody with this e-mail/);
  assert.doesNotMatch(await done('add-staff', { ...pat, role: 'administrator' }), /Password:/);
  assert.match(
    await done('end-staff', { organisation: 'ZX9', email: 'nine@example.org' }),
    /no administrator now/,
  );
  await db.database.owner.query(`update account set disabled_at = now() where email = 'pat@example.org'`);
  await refused('add-staff', { ...pat, organisation: 'ZX9' }, /is disabled/);
});

test('a system is added with what it may ask for, and goes live when it can prove who it is', async () => {
  await refused(
    'add-system',
    { ...SYSTEM, company: 'No Such Company', scopes: 'system/Patient.rs patient/*.read openid' },
    /cannot be given: patient\/\*\.read openid/,
  );
  await refused('add-system', { ...SYSTEM, 'auth-method': 'none' }, /must authenticate by/);
  await refused('add-system', { ...SYSTEM, 'privacy-notice-url': 'http://example.org' }, /https:\/\//);
  const clientId = await newSystem({ company: ' example  LTD' });
  const companies = await db.database.owner.query(`select name from company`);
  assert.deepEqual(companies.rows, [{ name: 'Example Ltd' }], 'the company of that name is used again');

  await refused('approve-system', { 'client-id': clientId }, /needs a secret or keys first/);
  await refused('resume-system', { 'client-id': clientId }, /is draft, not suspended/);
  await done('add-secret', { 'client-id': clientId });
  await done('approve-system', { 'client-id': clientId });
  await refused('approve-system', { 'client-id': clientId }, /is live, not in-review/);
  await refused('suspend-system', { 'client-id': 'nobody' }, /no such system/);
  assert.deepEqual(
    [(await lastRecord()).outcome, (await lastRecord()).client_id],
    ['SYSTEM_UNKNOWN', null],
    'what was mistyped stays out of the log',
  );
});

test('two secrets live at most, each shown once, and one ends at once', async () => {
  const clientId = await newSystem();
  const first = await done('add-secret', { 'client-id': clientId, 'expires-at': '2199-01-31T12:00:00Z' });
  await done('add-secret', { 'client-id': clientId });
  await refused('add-secret', { 'client-id': clientId }, /Two secrets are live already/);
  await refused(
    'add-secret',
    { 'client-id': clientId, 'expires-at': '2001-01-31T12:00:00Z' },
    /time to come/,
    2,
  );
  await refused('add-secret', { 'client-id': clientId, 'expires-at': 'tomorrow' }, /time to come/, 2);
  await refused('end-secret', { 'client-id': clientId, 'secret-id': 'first' }, /must be an ID/, 2);
  await refused('end-secret', { 'client-id': clientId, 'secret-id': randomUUID() }, /no such secret/);
  await done('end-secret', { 'client-id': clientId, 'secret-id': line(first, 'Secret ID') });
  await done('add-secret', { 'client-id': clientId });
  const kept = JSON.stringify(await everything());
  assert.ok(!kept.includes(line(first, 'Secret')), 'only its hash is kept');
});

test('a system is shown with the IDs of its live secrets, so that one can be ended', async () => {
  const clientId = await newSystem();
  const [ended, live] = [
    line(await done('add-secret', { 'client-id': clientId }), 'Secret ID'),
    line(
      await done('add-secret', { 'client-id': clientId, 'expires-at': '2199-01-31T12:00:00Z' }),
      'Secret ID',
    ),
  ];
  await done('end-secret', { 'client-id': clientId, 'secret-id': ended });
  const shown = await done('show-system', { 'client-id': clientId });
  assert.match(shown, /^System: System .*, of Example Ltd\nStanding: draft\n/);
  assert.match(shown, /\nScopes: system\/Observation\.rs system\/Patient\.rs\n/);
  assert.deepEqual(
    [...shown.matchAll(/^Live secret: (\S+), made \S+, ends (\S+)$/gm)].map(([, id, at]) => [id, at]),
    [[live, '2199-01-31T12:00:00.000Z']],
  );
  await refused('show-system', { 'client-id': 'nobody' }, /no such system/);
});

test('keys come from a file or an address, and never private ones', async () => {
  const clientId = await newSystem({ 'auth-method': 'private_key_jwt' });
  const file = join(directory, 'keys.json');
  const upload = { 'client-id': clientId, file };
  await refused('upload-keys', upload, /cannot be read \(ENOENT\)/, 2);
  await writeFile(file, '{"keys": [');
  await refused('upload-keys', upload, /is no JSON/, 2);
  const { jwk, privateKey, kid } = keyPair();
  await writeFile(file, JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid }] }));
  await refused('upload-keys', upload, /private or symmetric key/);
  await writeFile(file, JSON.stringify({ keys: [jwk] }));
  assert.equal(await done('upload-keys', upload), `Keys in use: ${kid}`);
  assert.match(await done('show-system', { 'client-id': clientId }), new RegExp(`^Keys: ${kid}$`, 'm'));
  await refused('set-keys-url', { 'client-id': clientId, url: 'http://example.org/keys' }, /cannot be used/);
  await done('set-keys-url', { 'client-id': clientId, url: 'https://keys.example.org/jwks.json' });
  await refused('add-secret', { 'client-id': clientId }, /authenticates with keys/);
  await done('approve-system', { 'client-id': clientId });
});

test('every act and every refusal is in the audit, with who and without what is secret', async () => {
  const clientId = await newSystem();
  const said = await done('add-secret', { 'client-id': clientId });
  const { detail, ...record } = await lastRecord();
  assert.deepEqual(record, {
    interaction: 'add-secret',
    outcome: 'allowed',
    status: 200,
    client_id: clientId,
    resource_type: 'secret',
    resource_id: line(said, 'Secret ID'),
    organisation_id: null,
  });
  assert.match(detail, /^by \S+$/);
  await refused('resume-system', { 'client-id': clientId }, /not suspended/);
  assert.deepEqual(
    [(await lastRecord()).outcome, (await lastRecord()).status, (await lastRecord()).client_id],
    ['SYSTEM_STANDING_OTHER', 422, clientId],
  );
  const { rows } = await db.database.owner.query('select json_agg(r)::text as all from audit_record r');
  assert.ok(!rows[0].all.includes(line(said, 'Secret')));
  assert.ok(!rows[0].all.includes('@example.org'));
  const client = await db.database.owner.connect();
  try {
    for await (const report of verifyAudit(client, auditKey, [])) assert.equal(report.broken, null);
  } finally {
    client.release();
  }
});

test('nothing secret is shown when the audit cannot be written', () =>
  withDatabase(async (broken) => {
    await broken.database.owner.query(
      `alter table audit_record add constraint no_operator check (kind <> 'operator')`,
    );
    const { code, text } = await operate('add-organisation', ORGANISATION, {
      ...env,
      DATABASE_URL: broken.url,
    });
    assert.equal(code, 1);
    assert.match(text, /It was done .*could not be recorded/);
    assert.doesNotMatch(text, /Password/);
  }));

test('what cannot be understood opens nothing, and says what would be', async () => {
  const nowhere = { DATABASE_URL: 'postgres://127.0.0.1:1/none', DATA_DIR: directory, ...KEYS };
  for (const [args, says] of [
    [['add-sytem'], /There is no command add-sytem/],
    [['constructor'], /There is no command/],
    [['end-secret', '--client-id', 'x'], /^Missing: --secret-id <id>/],
    [['end-secret', '--client-id', ' ', '--secret-id', 'x'], /^Missing: --client-id <id>/],
    [['suspend-system', '--client-id', 'x', '--now'], /--now/],
    [['suspend-system', '--client-id', 'x', '--client-id', 'y'], /given twice/],
  ] as const) {
    const said = await runOperator([...args], nowhere);
    assert.equal(said.code, 2, said.text);
    assert.match(said.text, says);
  }
  for (const args of [[], ['--help'], ['add-system', '--help']]) {
    assert.equal((await runOperator(args, nowhere)).code, 0);
  }
  const away = await operate('suspend-system', { 'client-id': 'x' }, nowhere);
  assert.deepEqual([away.code, /database does not answer/.test(away.text)], [1, true], away.text);
});

test('keys other than the service’s are not made beside a database that is in use', async () => {
  const { code, text } = await operate('add-organisation', ORGANISATION, {
    DATABASE_URL: db.url,
    DATA_DIR: join(directory, 'elsewhere'),
  });
  assert.equal(code, 1);
  assert.match(text, /holds no keys: set DATA_DIR/);
});

test('the embedded database takes commands while the service is stopped', async () => {
  const child = (...args: string[]) =>
    startChild(SCRIPT, { env: { DATA_DIR: join(directory, 'own') }, args });
  const args = Object.entries(ORGANISATION).flatMap(([name, value]) => [`--${name}`, value]);
  const first = child('add-organisation', ...args);
  assert.equal((await first.end()).code, 0, first.output());
  assert.match(first.output(), /^Organisation: Harbour Trust \(ZX1\)\n.*\n.*\nPassword: /);
  const second = child('add-organisation', ...args);
  assert.equal((await second.end()).code, 1);
  assert.match(second.output(), /ZX1 is here already/);
});

test("an organisation's identity provider is set, shown, changed and removed, and its secret is never shown", async () => {
  const odsCode = 'ZX11';
  await done('add-organisation', {
    ...ORGANISATION,
    'ods-code': odsCode,
    'administrator-email': 'eleven@example.org',
  });
  const file = join(directory, 'client-secret');
  await writeFile(file, 'a-client-secret-to-keep\n');
  const provider = {
    organisation: odsCode,
    issuer: 'https://sign-in.example.org/',
    'client-id': 'connected-systems',
    'client-secret-file': file,
    'second-factor': 'amr=mfa,otp',
  };
  const set = 'set-identity-provider';
  for (const issuer of [
    'http://sign-in.example.org',
    'https://10.0.0.1',
    'https://u:p@x.example',
    'x',
    'https://x.example/?a',
  ]) {
    await refused(set, { ...provider, issuer }, /The issuer/);
  }
  await refused(set, { ...provider, organisation: 'NONE1' }, /no organisation with the ODS code NONE1/);
  await refused(set, { ...provider, 'second-factor': 'sub=x' }, /--second-factor must be/, 2);
  await refused(set, { ...provider, 'client-secret-file': join(directory, 'none') }, /cannot be read/, 2);
  await refused('show-identity-provider', { organisation: odsCode }, /has an identity provider/);

  const said = await done(set, provider);
  assert.match(said, /Redirect URI to register there: <BASE_URL>\/sign-in\/with\/ZX11\/callback/);
  const { interaction, outcome, resource_type, detail } = await lastRecord();
  assert.deepEqual([interaction, outcome, resource_type], [set, 'allowed', 'identity-provider']);
  assert.match(detail, /: made$/);
  const shown = await done('show-identity-provider', { organisation: odsCode });
  assert.match(
    shown,
    /Issuer: https:\/\/sign-in\.example\.org\/\nClient ID: connected-systems\nSecond factor: amr=mfa,otp/,
  );
  assert.match(shown, /Connected people: 0/);
  assert.match(
    await done(set, { ...provider, 'second-factor': 'acr=urn:two' }),
    /People who are connected stay/,
  );
  assert.match(await done(set, { ...provider, 'client-id': 'other' }), /takes the place of the one before/);
  assert.match(await done('remove-identity-provider', { organisation: odsCode }), /It has ended/);
  await refused('remove-identity-provider', { organisation: odsCode }, /has an identity provider/);

  const everywhere = JSON.stringify([said, shown, await everything()]);
  assert.ok(!everywhere.includes('a-client-secret-to-keep'));
});

test('the key that signs notifications is followed by another tomorrow, or at once when others may know it', async () => {
  const shown = async () =>
    (await db.database.owner.query('select kid, retired_at from signing_key order by created_at')).rows;
  const first = line(await done('rotate-notification-keys', {}), 'New key');
  assert.match((await lastRecord()).detail, new RegExp(`: ${first} signs from tomorrow$`));
  const second = line(await done('rotate-notification-keys', {}), 'New key');
  assert.deepEqual(
    (await shown()).map(({ kid }) => kid),
    [first, second],
  );
  await refused('rotate-notification-keys', { compromised: 'maybe' }, /yes, or left out/, 2);
  const third = line(await done('rotate-notification-keys', { compromised: 'yes' }), 'New key');
  assert.deepEqual(await shown(), [{ kid: third, retired_at: null }]);
  assert.match((await lastRecord()).detail, /withdrawn/);
});
