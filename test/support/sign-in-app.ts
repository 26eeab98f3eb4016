import fastify, { type FastifyInstance } from 'fastify';
import type { Database } from '../../src/database/connect.ts';
import { newRootId } from '../../src/ids.ts';
import {
  codeAt,
  type SignInAuditEntry,
  sealTotpSecret,
  secretOf,
  setUpSignIn,
} from '../../src/sign-in/index.ts';
import type { ProviderAccess } from '../../src/sign-in/provider/ask-provider.ts';
import type { Role } from '../../src/sign-in/store.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { type PageClient, pageClient } from './page-client.ts';
import { quickHash } from './quick-hash.ts';

export const PASSWORD = 'correct horse battery staple';
export const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const KEY = Buffer.alloc(32, 7);
let passwordHash: Promise<string> | undefined;

/** The pages of sign-in alone, on a real database, with a clock that tests set and two pages to get to. */
export async function signInApp(
  database: Database,
  options: { secure?: boolean; providers?: ProviderAccess } = {},
) {
  const clock = { now: new Date('2026-11-22T09:00:00Z') };
  const audit: SignInAuditEntry[] = [];
  const executed: string[] = [];
  /** What happens elsewhere while something is being recorded. */
  const meanwhile: { when?: (entry: SignInAuditEntry) => Promise<unknown> } = {};
  const app = fastify();
  await app.register(async (html) => {
    const secure = options.secure ?? false;
    const web = await setUpWeb(html, {
      cookieKey: Buffer.alloc(32, 1),
      secure,
      navigation: () => [{ text: 'Connected systems', href: '/work' }],
      isUnavailable: () => false,
    });
    const signIn = setUpSignIn(html, web, {
      database: database.service,
      secrets: { pepper: KEY, encryptionKey: KEY },
      secure,
      now: () => clock.now,
      recordAudit: async (entry) => {
        audit.push(entry);
        await meanwhile.when?.(entry);
      },
      providers: options.providers,
    });
    addPages(html, signIn, executed);
  });
  await app.ready();
  return {
    app,
    clock,
    audit,
    meanwhile,
    executed,
    later: (seconds: number) => {
      clock.now = new Date(clock.now.getTime() + seconds * 1000);
    },
    code: () => codeAt(TOTP_SECRET, clock.now),
    client: (address?: string) => pageClient(app, { address }),
  };
}

export type SignInApp = Awaited<ReturnType<typeof signInApp>>;

function addPages(app: FastifyInstance, signIn: ReturnType<typeof setUpSignIn>, executed: string[]) {
  app.get(
    '/',
    { onRequest: signIn.requireStaff },
    async (request) => `home of ${request.staff?.organisationName}`,
  );
  app.get('/work', { onRequest: signIn.requireStaff }, async (request) => request.staff);
  app.post('/work', { onRequest: signIn.requireStaff }, async (request) => {
    executed.push(request.staff!.email);
    return 'done';
  });
  app.get(
    '/admin',
    { onRequest: signIn.requireRole(['administrator'], 'give a system access') },
    async () => 'yes',
  );
}

/** Adds an organisation to the database. */
export async function addOrganisation(database: Database, odsCode: string, name: string): Promise<string> {
  const id = newRootId();
  await database.owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $3)', [
    id,
    odsCode,
    name,
  ]);
  return id;
}

/** Adds a person with the roles given, the usual password, and for `totp` the usual second factor. */
export async function addStaff(
  database: Database,
  person: { email: string; name?: string; roles: [organisationId: string, role: Role][]; totp?: boolean },
): Promise<string> {
  const id = newRootId();
  passwordHash ??= quickHash(PASSWORD);
  const sealed = person.totp ? sealTotpSecret(KEY, id, secretOf(TOTP_SECRET)) : null;
  await database.owner.query(
    'insert into account (id, email, name, password_hash, totp_secret) values ($1, $2, $3, $4, $5)',
    [id, person.email, person.name ?? 'Pat Smith', await passwordHash, sealed],
  );
  for (const [organisationId, role] of person.roles) {
    await database.owner.query(
      'insert into staff_role (account_id, organisation_id, role) values ($1, $2, $3)',
      [id, organisationId, role],
    );
  }
  return id;
}

/**
 * Two organisations and their people, on a fresh database: pat (a professional), two (roles in both), ada (an
 * administrator with a second factor), new (an administrator without one yet), none (no role), all @example.org.
 */
export async function signInWorld(database: Database) {
  const harbour = await addOrganisation(database, 'ZX1', 'Harbour Trust');
  const moor = await addOrganisation(database, 'ZX2', 'Moor Surgery');
  await addStaff(database, { email: 'pat@example.org', roles: [[harbour, 'professional']] });
  await addStaff(database, { email: 'ada@example.org', roles: [[harbour, 'administrator']], totp: true });
  await addStaff(database, { email: 'new@example.org', roles: [[harbour, 'administrator']] });
  await addStaff(database, { email: 'none@example.org', roles: [] });
  await addStaff(database, {
    email: 'two@example.org',
    roles: [
      [harbour, 'professional'],
      [moor, 'coordinator'],
    ],
  });
  return {
    harbour,
    moor,
    /** As if nobody had tried to sign in yet. */
    async forget() {
      await database.owner.query('delete from attempt');
      await database.owner.query('delete from staff_session');
      await database.owner.query('update account set totp_last_step = null');
    },
  };
}

/** Opens the sign-in page and sends its form. */
export async function sendPassword(client: PageClient, email: string, password = PASSWORD, next = '/work') {
  await client.get('/sign-in');
  return client.post('/sign-in', { email, password, next });
}

/** A visitor who has given e-mail address and password. */
export async function signedIn(service: SignInApp, email = 'pat@example.org', address?: string) {
  const client = service.client(address);
  const response = await sendPassword(client, email);
  if (response.statusCode !== 303) throw new Error(`sign-in answered ${response.statusCode}`);
  return client;
}
