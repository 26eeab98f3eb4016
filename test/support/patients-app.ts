import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { AuditEntry } from '../../src/audit/audit.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/database/connect.ts';
import { createHttp } from '../../src/http.ts';
import { newResourceId, newRootId, routeOf } from '../../src/ids.ts';
import { newInvitationPair } from '../../src/invitations/codes.ts';
import { createMail, type Message, outboxRoutes } from '../../src/mail/index.ts';
import { PATIENT_NAVIGATION, patientRoutes } from '../../src/patients/index.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { pageClient } from './page-client.ts';
import { quickHash } from './quick-hash.ts';

const KEY = Buffer.alloc(32, 7);
export const PASSWORD = 'velvet otter teapot';
let passwordHash: Promise<string> | undefined;

/** The patients' pages on a real database, with a clock that tests set; `audit` holds what was recorded. */
export async function patientsApp(database: Database) {
  const audit: AuditEntry[] = [];
  const clock = { now: new Date() };
  const address = { baseUrl: 'http://service.test' };
  const app = createHttp({ trustProxy: false }, pino({ level: 'silent' }));
  const context = {
    config: { demo: true },
    secrets: { pepper: KEY, cookieKey: KEY, auditKey: KEY, encryptionKey: KEY },
    database,
    audit: { record: async (entry: AuditEntry) => void audit.push(entry) },
    log: app.log,
    baseUrl: () => address.baseUrl,
    // A millisecond passes between any two looks at the clock, so that what came later is later.
    now: () => {
      clock.now = new Date(clock.now.getTime() + 1);
      return clock.now;
    },
  } as unknown as Context;
  const mail = createMail(context);
  app.addHook('onClose', mail.close);
  await app.register(async (html) => {
    const web = await setUpWeb(html, {
      cookieKey: KEY,
      secure: false,
      navigation: ({ role }) => (role === 'patient' ? PATIENT_NAVIGATION : []),
      isUnavailable: () => false,
    });
    await html.register(patientRoutes(context, web, mail, { secure: false }));
    outboxRoutes(html, mail, web.pages);
  });
  await app.ready();

  return {
    app,
    audit,
    clock,
    address,
    context,
    mail,
    later: (seconds: number) => {
      clock.now = new Date(clock.now.getTime() + seconds * 1000);
    },
    client: (from?: string) => pageClient(app, { address: from }),
    /** The newest message to an address. */
    async messageTo(to: string): Promise<Message | undefined> {
      const latest = await mail.latest(100);
      return latest.find(({ message }) => message?.to === to)?.message ?? undefined;
    },
    async signedIn(email: string, from?: string) {
      const client = pageClient(app, { address: from });
      await client.get('/my/sign-in');
      const response = await client.post('/my/sign-in', { email, password: PASSWORD });
      if (response.statusCode !== 303) throw new Error(`sign-in answered ${response.statusCode}`);
      return client;
    },
  };
}

export type PatientsApp = Awaited<ReturnType<typeof patientsApp>>;

/** Patients, organisations and what they hold, put straight into the database. */
export function patientsWorld(database: Database) {
  const { owner } = database;
  const insert = (table: string, row: Record<string, unknown>) => {
    const names = Object.keys(row);
    return owner.query(
      `insert into ${table} (${names.join(', ')}) values (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    );
  };
  let numbered = 0;

  return {
    insert,

    async organisation(name: string): Promise<string> {
      const id = newRootId();
      await insert('organisation', { id, ods_code: `ZX${String(++numbered).padStart(3, '0')}`, name });
      return id;
    },

    /** A patient registered with the organisations given, and the Patient resource of the first. */
    async patient(options: {
      organisations: string[];
      birthDate?: string | null;
      deceased?: boolean;
      given?: string;
      family?: string;
    }): Promise<string> {
      const id = newRootId();
      const route = routeOf(id);
      const birthDate = options.birthDate === undefined ? '1980-03-31' : options.birthDate;
      await insert('patient', { route, id, birth_date: birthDate, deceased: options.deceased ?? false });
      for (const organisation of options.organisations) {
        await insert('registration', { route, patient_id: id, organisation_id: organisation });
      }
      await this.resource(id, options.organisations[0]!, {
        resourceType: 'Patient',
        id,
        name: [{ use: 'official', given: [options.given ?? 'Nia'], family: options.family ?? 'Morgan' }],
      });
      return id;
    },

    async resource(
      patientId: string,
      organisationId: string,
      resource: { resourceType: string; id?: string; [key: string]: unknown },
      label = 0,
    ): Promise<string> {
      const id = resource.id ?? newResourceId(patientId);
      await insert('resource', {
        route: routeOf(id),
        id,
        type: resource.resourceType,
        patient_id: patientId,
        organisation_id: organisationId,
        label,
        version: 1,
        updated_at: new Date(),
        tokens: [],
        content: JSON.stringify({ ...resource, id }),
      });
      return id;
    },

    /** A pair of codes as `$generate-invitation-tokens` would answer it. */
    async invitation(patientId: string, organisationId: string, options: { expiresAt?: Date } = {}) {
      const { code, token, codeHash, tokenHash } = newInvitationPair(KEY);
      const id = newResourceId(patientId);
      await insert('invitation', {
        route: routeOf(id),
        id,
        patient_id: patientId,
        organisation_id: organisationId,
        code_hash: codeHash,
        token_hash: tokenHash,
        expires_at: options.expiresAt ?? new Date(Date.now() + 70 * 86_400_000),
      });
      return { id, code, token };
    },

    /** An account as joining would make it. */
    async account(patientId: string, email: string): Promise<string> {
      const id = newResourceId(patientId);
      passwordHash ??= quickHash(PASSWORD);
      await insert('patient_account', {
        route: routeOf(id),
        id,
        patient_id: patientId,
        email,
        password_hash: await passwordHash,
        joined_at: new Date(),
      });
      await owner.query('update patient set joined_at = now() where id = $1', [patientId]);
      return id;
    },

    /** A letter with one attachment. */
    letter(
      patientId: string,
      organisationId: string,
      options: {
        title?: string;
        contentType?: string;
        data?: string | Buffer;
        identifier?: string;
        delayDays?: number;
        label?: number;
        more?: Record<string, unknown>;
      } = {},
    ): Promise<string> {
      const data = Buffer.from(options.data ?? 'Dear patient,\n\nall is well.');
      return this.resource(
        patientId,
        organisationId,
        {
          resourceType: 'DocumentReference',
          status: 'current',
          masterIdentifier: {
            system: 'urn:ietf:rfc:3986',
            value: options.identifier ?? `urn:uuid:${randomUUID()}`,
          },
          ...(options.delayDays !== undefined && {
            extension: [
              {
                url: 'urn:connected-systems:extension:visible-after-days',
                valueUnsignedInt: options.delayDays,
              },
            ],
          }),
          subject: { reference: `Patient/${patientId}` },
          date: new Date().toISOString(),
          description: options.title ?? 'Clinic letter',
          content: [
            {
              attachment: {
                contentType: options.contentType ?? 'text/plain',
                data: data.toString('base64'),
                title: options.title ?? 'Clinic letter',
              },
            },
          ],
          ...options.more,
        },
        options.label,
      );
    },
  };
}

export type PatientsWorld = ReturnType<typeof patientsWorld>;
