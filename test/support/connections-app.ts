import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach } from 'node:test';
import pino from 'pino';
import type { AuditEntry } from '../../src/audit/audit.ts';
import { connectionRoutes } from '../../src/connections/routes.ts';
import type { Context } from '../../src/context.ts';
import type { Database } from '../../src/database/connect.ts';
import { createHttp } from '../../src/http.ts';
import { setUpSignIn } from '../../src/sign-in/index.ts';
import { setUpWeb } from '../../src/web/index.ts';
import { connectedWorld, type TestOrganisation } from './connected-world.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { pageClient, textOf } from './page-client.ts';

const KEY = Buffer.alloc(32, 7);

/** The administrator's pages on a real database; `audit` holds what was recorded. */
export async function connectionsApp(database: Database) {
  const audit: AuditEntry[] = [];
  const clock = { now: () => new Date() };
  const address = { baseUrl: 'https://service.test' };
  const app = createHttp({ trustProxy: false }, pino({ level: 'silent' }));
  const context = {
    config: {},
    secrets: { pepper: KEY, cookieKey: KEY, auditKey: KEY, encryptionKey: KEY },
    database,
    audit: { record: async (entry: AuditEntry) => void audit.push(entry) },
    log: app.log,
    baseUrl: () => address.baseUrl,
    now: () => clock.now(),
  } as unknown as Context;
  await app.register(async (html) => {
    const web = await setUpWeb(html, {
      cookieKey: KEY,
      secure: false,
      navigation: () => [{ text: 'Connected systems', href: '/connected-systems' }],
      isUnavailable: () => false,
    });
    const signIn = setUpSignIn(html, web, {
      database: database.service,
      secrets: context.secrets,
      secure: false,
      now: context.now,
      recordAudit: async () => {},
    });
    await html.register(connectionRoutes(context, web.pages, signIn));
  });
  await app.ready();

  /** A session of this person, as sign-in would make it: the cookie's value. */
  async function session(person: { accountId: string; organisationId: string }): Promise<string> {
    const id = randomBytes(32).toString('base64url');
    await database.owner.query(
      `insert into staff_session (id_hash, account_id, organisation_id, csrf_token, second_factor_at, created_at,
                                  last_seen_at, expires_at)
       values ($1, $2, $3, $4, now(), now(), now(), now() + interval '1 hour')`,
      [
        createHash('sha256').update(id).digest(),
        person.accountId,
        person.organisationId,
        randomBytes(32).toString('base64url'),
      ],
    );
    return id;
  }

  return {
    app,
    audit,
    clock,
    address,
    context,
    world: connectedWorld(database.owner),
    session,
    async signedIn(person: { accountId: string; organisationId: string }) {
      const client = pageClient(app);
      client.cookies.set('session', await session(person));
      return client;
    },
  };
}

export type ConnectionsApp = Awaited<ReturnType<typeof connectionsApp>>;

/**
 * For a `describe` of pages: a service, and before each test a new organisation with its administrator. Read the
 * parts inside tests; they are not there before.
 */
export function connectionPages() {
  const t = { grantByPages, insertConnection, call } as Parts & {
    grantByPages: typeof grantByPages;
    insertConnection: typeof insertConnection;
    call: typeof call;
  };
  before(async () => {
    t.db = await testDatabase();
    t.app = await connectionsApp(t.db.database);
  });
  after(async () => {
    await t.app?.app.close();
    await t.db?.stop();
  });
  beforeEach(async () => {
    t.organisation = await t.app.world.organisation();
    t.administrator = await t.app.world.staff(t.organisation.id, 'administrator', 'Ada Min');
    await t.db.database.owner.query('delete from attempt');
  });
  return t;

  /** Grants through the pages as a person would, with no field touched. */
  async function grantByPages(clientId: string, as = t.administrator) {
    const client = await t.app.signedIn(as);
    const action = `/connected-systems/add/${clientId}`;
    const review = await client.get(action);
    assert.equal(review.statusCode, 200, textOf(review.body));
    const granted = await client.post(action, fieldsOf(review.body, action));
    assert.equal(granted.statusCode, 303, textOf(granted.body));
    const page = String(granted.headers.location);
    return { client, review, page, connectionId: page.split('/')[2]! };
  }

  async function insertConnection(clientId: string, status: string) {
    await t.db.database.owner.query(
      `insert into connection (id, organisation_id, client_id, status, scopes, permissions, granted_at, ended_at)
       values (gen_random_uuid(), $1, $2, $3, '{system/Patient.rs}', '{Patient.r,Patient.s}', now(),
               case when $3 = 'revoked' then now() end)`,
      [t.organisation.id, clientId, status],
    );
  }

  async function call(connectionId: string, outcome: string, requestId = 'request') {
    await t.db.database.owner.query(
      `insert into audit_record (chain, sequence, at, request_id, kind, interaction, outcome, status, connection_id,
                                 resource_type, count, hash)
       values (gen_random_uuid(), 1, now(), $3, 'fhir', 'search-type', $2, 200, $1, 'Observation', 12, '')`,
      [connectionId, outcome, requestId],
    );
  }
}

type Parts = {
  db: TestDatabase;
  app: ConnectionsApp;
  organisation: TestOrganisation;
  administrator: Awaited<ReturnType<ConnectionsApp['world']['staff']>>;
};

/** What a browser would send with the page's POST form to this address: every field as it stands. */
export function fieldsOf(html: string, action: string): [string, string][] {
  const forms = [...html.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)];
  const form = forms.find(([, to]) => to === action)?.[2];
  if (form === undefined) throw new Error(`the page has no form to ${action}`);
  const fields: [string, string][] = [];
  for (const [tag] of form.matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
    const ticked = !['checkbox', 'radio'].includes(attribute('type') ?? '') || /\schecked\b/.test(tag);
    if (attribute('name') && ticked) fields.push([attribute('name')!, attribute('value') ?? '']);
  }
  return fields;
}
