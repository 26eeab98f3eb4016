import { createHash, randomBytes } from 'node:crypto';
import pino from 'pino';
import type { AuditEntry } from '../../src/audit/audit.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/database/connect.ts';
import { createHttp } from '../../src/http.ts';
import { asPatient } from '../../src/patients/index.ts';
import { recordPages, recordRoutes } from '../../src/record/index.ts';
import { createRecordContexts } from '../../src/record-context/index.ts';
import { setUpSignIn } from '../../src/sign-in/index.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { pageClient } from './page-client.ts';

const KEY = Buffer.alloc(32, 7);
type Person = { accountId: string; organisationId: string };
type Opening = {
  locked?: boolean;
  breakGlass?: boolean;
  openedBy?: 'systmone' | 'search';
};

/**
 * The record's pages on a real database: /record for staff, and /own/{account} for a patient as the patients' room
 * would mount it. `audit` holds what was recorded; `faults.audit` makes recording fail.
 */
export async function recordApp(database: Database) {
  const audit: AuditEntry[] = [];
  const faults = { audit: false };
  const app = createHttp({ trustProxy: false }, pino({ level: 'silent' }));
  const context = {
    config: {},
    secrets: { pepper: KEY, cookieKey: KEY, auditKey: KEY, encryptionKey: KEY },
    database,
    audit: {
      async record(entry: AuditEntry) {
        if (faults.audit) throw new Error('the audit cannot be written');
        audit.push(entry);
      },
    },
    log: app.log,
    baseUrl: () => 'http://service.test',
    now: () => new Date(),
  } as unknown as Context;
  await app.register(async (html) => {
    const web = await setUpWeb(html, {
      cookieKey: KEY,
      secure: false,
      navigation: () => [{ text: 'Patients', href: '/patients' }],
      isUnavailable: () => false,
    });
    const signIn = setUpSignIn(html, web, {
      database: database.service,
      secrets: context.secrets,
      secure: false,
      now: context.now,
      recordAudit: async () => {},
    });
    await html.register(recordRoutes(context, web, signIn));
    recordPages(html, {
      path: '/own/:account',
      pages: web.pages,
      onRequest: async () => undefined,
      now: context.now,
      baseUrl: context.baseUrl,
      open: async (request) => {
        const { account } = request.params as { account: string };
        const { rows } = await database.owner.query('select patient_id from patient_account where id = $1', [
          account,
        ]);
        return {
          patientId: rows[0].patient_id,
          own: true,
          without: ['letters'],
          read: (act) => asPatient(database.service, account, act),
          record: async () => undefined,
        };
      },
    });
  });
  await app.ready();
  const contexts = createRecordContexts({ database: database.service, now: context.now });

  /** A session of this person, as sign-in or a launch would make it. */
  async function session(person: Person, openedBy: 'systmone' | null = null) {
    const cookie = randomBytes(32).toString('base64url');
    const hash = createHash('sha256').update(cookie).digest();
    if (openedBy) {
      await database.owner.query(
        `insert into launch_pairing (id, organisation_id, source, user_key, user_name, account_id, created_at)
         values (gen_random_uuid(), $1, $2, $3, 'user01', $4, now())`,
        [person.organisationId, openedBy, hash, person.accountId],
      );
    }
    await database.owner.query(
      `insert into staff_session (id_hash, account_id, organisation_id, csrf_token, second_factor_at, created_at,
                                  last_seen_at, expires_at, opened_by)
       values ($1, $2, $3, $4, now(), now(), now(), now() + interval '1 hour', $5)`,
      [hash, person.accountId, person.organisationId, randomBytes(32).toString('base64url'), openedBy],
    );
    return { cookie, sessionId: hash.toString('hex') };
  }

  return {
    app,
    audit,
    faults,
    context,
    contexts,
    session,
    client: () => pageClient(app),
    /** A client that has this patient's record open, and the address's `c`. */
    async opened(person: Person, patientId: string, options: Opening = {}) {
      const { locked = false, breakGlass = false, openedBy = 'search' } = options;
      const { cookie, sessionId } = await session(person, openedBy === 'systmone' ? openedBy : null);
      const { accountId, organisationId } = person;
      const opened = await contexts.openContext({
        ...{ sessionId, accountId, organisationId, patientId },
        ...{ locked, breakGlass, openedBy },
      });
      const client = pageClient(app);
      client.cookies.set('session', cookie);
      return { client, c: opened.id, cookie };
    },
  };
}

export type RecordApp = Awaited<ReturnType<typeof recordApp>>;
