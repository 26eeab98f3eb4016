import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import type { AuditEntry } from '../../src/audit/audit.ts';
import { connectionRoutes } from '../../src/connections/routes.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/database/connect.ts';
import { createHttp } from '../../src/http.ts';
import { newRootId, routeOf } from '../../src/ids.ts';
import { recordRoutes } from '../../src/record/index.ts';
import { createRecordContexts } from '../../src/record-context/index.ts';
import { codeAt, setUpSignIn } from '../../src/sign-in/index.ts';
import type { ProviderAccess } from '../../src/sign-in/provider/ask-provider.ts';
import { oneTimeLaunchRoutes } from '../../src/systmone/one-time-routes.ts';
import { systmoneRoutes } from '../../src/systmone/routes.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { type PageClient, pageClient } from './page-client.ts';
import { addOrganisation, addStaff, PASSWORD, TOTP_SECRET } from './sign-in-app.ts';

const KEY = Buffer.alloc(32, 7);

/**
 * Launches with all they touch (sign-in, connected systems, open records) on a real database, with a clock that tests
 * set. `/record` says in JSON whose record is open and how, or is the real page with `realRecord`.
 */
export async function launchApp(
  database: Database,
  options: { now?: Date; realRecord?: boolean; providers?: ProviderAccess } = {},
) {
  const audit: AuditEntry[] = [];
  const begins = options.now ?? new Date('2026-11-22T09:00:00Z');
  const clock = { now: begins };
  const address = { baseUrl: 'https://service.test' };
  const app = createHttp({ trustProxy: false }, pino({ level: 'silent' }));
  const faults = { audit: false };
  /** What happens elsewhere while something is being recorded. */
  const meanwhile: { when?: (entry: AuditEntry) => Promise<unknown> } = {};
  const context = {
    config: {},
    secrets: { pepper: KEY, cookieKey: KEY, auditKey: KEY, encryptionKey: KEY },
    database,
    audit: {
      record: async (entry: AuditEntry) => {
        if (faults.audit) throw Object.assign(new Error('the audit is away'), { statusCode: 503 });
        audit.push(entry);
        await meanwhile.when?.(entry);
      },
    },
    log: app.log,
    baseUrl: () => address.baseUrl,
    now: () => clock.now,
  } as unknown as Context;
  await app.register(oneTimeLaunchRoutes(context));
  await app.register(async (html) => {
    const web = await setUpWeb(html, {
      cookieKey: KEY,
      secure: false,
      navigation: () => [{ text: 'Connected systems', href: '/connected-systems' }],
      isUnavailable: (error) => (error as { statusCode?: number }).statusCode === 503,
    });
    const signIn = setUpSignIn(html, web, {
      database: database.service,
      secrets: context.secrets,
      secure: false,
      now: context.now,
      recordAudit: async () => {},
      providers: options.providers,
    });
    await html.register(connectionRoutes(context, web.pages, signIn));
    await html.register(systmoneRoutes({ ...context, secure: false }, web, signIn));
    if (options.realRecord) await html.register(recordRoutes(context, web, signIn));
    else recordPage(html, context, signIn);
  });
  await app.ready();

  /** Whoever gives their password gives the code that they are asked for next, as often as a test likes. */
  function withAuthenticator(client: PageClient): PageClient {
    const { post } = client;
    client.post = async (url, fields, headers) => {
      const answer = await post(url, fields, headers);
      const asked = String(answer.headers.location);
      if (url !== '/sign-in' || !asked.startsWith('/sign-in/code')) return answer;
      await client.get(asked);
      await database.owner.query('update account set totp_last_step = null');
      const next = new URLSearchParams(asked.split('?')[1]).get('next') ?? '';
      return post('/sign-in/code', { code: codeAt(TOTP_SECRET, clock.now), next });
    };
    return client;
  }

  return {
    app,
    audit,
    clock,
    faults,
    meanwhile,
    address,
    context,
    client: (from?: string) => withAuthenticator(pageClient(app, { address: from })),
    later: (seconds: number) => {
      clock.now = new Date(clock.now.getTime() + seconds * 1000);
    },
    /** The service as it was when it began: for a test of its own without the cost of another service. */
    reset() {
      audit.length = 0;
      clock.now = begins;
      faults.audit = false;
      meanwhile.when = undefined;
      address.baseUrl = 'https://service.test';
    },
    launches: () => audit.filter(({ interaction }) => interaction.startsWith('launch')),
  };
}

export type LaunchApp = Awaited<ReturnType<typeof launchApp>>;

function recordPage(html: FastifyInstance, context: Context, signIn: ReturnType<typeof setUpSignIn>) {
  const records = createRecordContexts({ database: context.database.service, now: context.now });
  html.get('/record', { onRequest: signIn.requireStaff }, async (request, reply) => {
    const open = await records.currentContext(request);
    if (!open) return reply.code(404).send('no record is open');
    const { section } = request.query as { section?: string };
    const { patientId, locked, breakGlass } = open;
    return { patientId, locked, breakGlass, section, role: request.staff!.role, name: request.staff!.name };
  });
}

/** Registers a patient with an organisation, under an NHS number. */
export async function addPatient(
  database: Database,
  organisationIds: string[],
  nhsNumber: string,
  birthDate: string,
  content: object = {},
): Promise<string> {
  const id = newRootId();
  const route = routeOf(id);
  const owner = database.owner;
  await owner.query('insert into patient (route, id, birth_date) values ($1, $2, $3)', [
    route,
    id,
    birthDate,
  ]);
  await owner.query(
    `insert into patient_identifier (system, value, route, patient_id)
     values ('https://fhir.nhs.uk/Id/nhs-number', $1, $2, $3)`,
    [nhsNumber, route, id],
  );
  for (const organisationId of organisationIds) {
    await owner.query('insert into registration (route, patient_id, organisation_id) values ($1, $2, $3)', [
      route,
      id,
      organisationId,
    ]);
  }
  const resource = {
    resourceType: 'Patient',
    id,
    identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber }],
    name: [{ use: 'official', family: 'Testpatient', given: ['Terry'] }],
    birthDate,
    ...content,
  };
  await owner.query(
    `insert into resource (route, id, type, patient_id, organisation_id, label, version, updated_at, tokens, content)
     values ($1, $2, 'Patient', $2, $3, 0, 1, now(), '{}', $4)`,
    [route, id, organisationIds[0], JSON.stringify(resource)],
  );
  return id;
}

export const PATIENT = { nhsNumber: '9434765919', birthDate: '1980-12-01' };
export const OTHER_PATIENT = { nhsNumber: '9449304513', birthDate: '1934-10-23' };

/**
 * Harbour Trust (ZX1) with pat and sam (professionals), cora (coordinator), ada (administrator), all with a second factor,
 * and Moor Surgery (ZX2) with max. Two patients at Harbour, one known at Moor alone.
 */
export async function launchWorld(database: Database) {
  const harbour = await addOrganisation(database, 'ZX1', 'Harbour Trust');
  const moor = await addOrganisation(database, 'ZX2', 'Moor Surgery');
  const pat = await addStaff(database, {
    email: 'pat@example.org',
    name: 'Pat Smith',
    roles: [[harbour, 'professional']],
    totp: true,
  });
  const sam = await addStaff(database, {
    email: 'sam@example.org',
    name: 'Sam Jones',
    roles: [[harbour, 'professional']],
    totp: true,
  });
  const cora = await addStaff(database, {
    email: 'cora@example.org',
    name: 'Cora Day',
    roles: [[harbour, 'coordinator']],
    totp: true,
  });
  const ada = await addStaff(database, {
    email: 'ada@example.org',
    name: 'Ada Min',
    roles: [[harbour, 'administrator']],
    totp: true,
  });
  const max = await addStaff(database, {
    email: 'max@example.org',
    name: 'Max Moor',
    roles: [[moor, 'coordinator']],
    totp: true,
  });
  const patient = await addPatient(database, [harbour], PATIENT.nhsNumber, PATIENT.birthDate);
  const other = await addPatient(database, [harbour], OTHER_PATIENT.nhsNumber, OTHER_PATIENT.birthDate);
  const elsewhere = await addPatient(database, [moor], '9000000009', '1970-01-01');
  return { harbour, moor, pat, sam, cora, ada, max, patient, other, elsewhere };
}

/** A visitor who signed in with all that the account takes. */
export async function signedInTo(service: LaunchApp, email: string, address?: string) {
  const client = service.client(address);
  await client.get('/sign-in');
  const done = await client.post('/sign-in', { email, password: PASSWORD, next: '/connected-systems' });
  if (done.headers.location !== '/connected-systems') throw new Error(`led to ${done.headers.location}`);
  return client;
}
