import { createHash, randomBytes } from 'node:crypto';
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import type pg from 'pg';
import pino from 'pino';
import type { AuditEntry } from '../../src/audit/audit.ts';
import type { Context } from '../../src/context.ts';
import type { Definitions } from '../../src/fhir/definitions/definitions.ts';
import { openDefinitions } from '../../src/fhir/definitions/open-definitions.ts';
import { fhirRoutes } from '../../src/fhir/routes.ts';
import { insertRows } from '../../src/fhir/store/insert-rows.ts';
import { labelNumber, type PrivacyLabel } from '../../src/fhir/store/labels.ts';
import { rowBuilder } from '../../src/fhir/store/row.ts';
import { newResourceId, newRootId, routeOf } from '../../src/ids.ts';
import { permissionsOf } from '../../src/oauth/scopes.ts';
import { type TestDatabase, testDatabase } from './database.ts';

/** The privacy labels as bits. */
export const labelBits = (...labels: PrivacyLabel[]) =>
  labels.reduce((bits, label) => bits | (1 << labelNumber(label)!), 0);

export type World = Awaited<ReturnType<typeof createWorld>>;

let definitions: Promise<Definitions> | undefined;

/** The R4 definitions, opened once for all tests of a process. */
export const testDefinitions = () => (definitions ??= openDefinitions('.data'));

/**
 * A small world made directly in a fresh database, and the FHIR API over it: a test says in a few lines who exists,
 * who may do what, and what has been written. Every audit entry is kept in `audit`.
 */
export async function createWorld() {
  const db = await testDatabase();
  const defs = await testDefinitions();
  const audit: AuditEntry[] = [];
  const faults = { audit: false };
  const context = testContext(db, audit, faults);
  const app: FastifyInstance = Fastify({ genReqId: () => randomBytes(8).toString('hex') });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  await app.register(fhirRoutes(context, defs, (_context, base) => ({ token_endpoint: `${base}/token` })));
  await app.ready();
  return {
    db,
    app,
    audit,
    faults,
    context,
    definitions: defs,
    ...makers(db.database.owner, rowBuilder(defs)),
    /** Sends a request to an organisation's own base; `path` begins after it. */
    fhir: (organisation: { id: string }, token: string | null, path: string, options: FhirOptions = {}) =>
      send(app, `/organisations/${organisation.id}/fhir/R4`, token, path, options),
    async stop() {
      await app.close();
      await db.stop();
    },
  };
}

export type FhirOptions = {
  method?: InjectOptions['method'];
  body?: unknown;
  headers?: Record<string, string>;
};

async function send(
  app: FastifyInstance,
  base: string,
  token: string | null,
  path: string,
  options: FhirOptions,
) {
  const { method = 'GET', body, headers } = options;
  const response = await app.inject({
    method,
    url: base + path,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/fhir+json' }),
      ...headers,
    },
    payload:
      body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
  const json = (): any => (response.body ? JSON.parse(response.body) : undefined);
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    json: json(),
    /** The refusal's code, if it is one. */
    code: json()?.issue?.[0]?.details?.coding?.[0]?.code as string | undefined,
  };
}

function testContext(db: TestDatabase, audit: AuditEntry[], faults: { audit: boolean }): Context {
  const key = () => randomBytes(32);
  return {
    config: {} as Context['config'],
    secrets: { pepper: key(), cookieKey: key(), auditKey: key(), encryptionKey: key() },
    database: db.database,
    audit: {
      async record(entry: AuditEntry) {
        if (faults.audit) throw new Error('the audit cannot be written');
        audit.push(entry);
      },
    } as Context['audit'],
    log: pino({ level: process.env.LOG_LEVEL ?? 'silent' }),
    baseUrl: () => 'https://records.example',
    now: () => new Date(),
  };
}

type BuildRow = ReturnType<typeof rowBuilder>;

/** What makes a world. All write as the owner of the tables. */
export function makers(owner: Pick<pg.Pool, 'query'>, buildRow: BuildRow) {
  let count = 0;
  const next = () => ++count;

  return {
    async organisation(name = `Organisation ${next()}`) {
      const id = newRootId();
      const odsCode = `T${randomBytes(3).toString('hex').toUpperCase()}`;
      const teamId = newRootId();
      await owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $3)', [
        id,
        odsCode,
        name,
      ]);
      await owner.query(
        `insert into team (id, organisation_id, name, is_default) values ($1, $2, 'All', true)`,
        [teamId, id],
      );
      return { id, odsCode, name, teamId };
    },

    async team(organisation: { id: string }, name = `Team ${next()}`) {
      const id = newRootId();
      await owner.query('insert into team (id, organisation_id, name) values ($1, $2, $3)', [
        id,
        organisation.id,
        name,
      ]);
      return { id };
    },

    /** A live system registered for `scopes`. */
    async system(scopes: string[] = ['system/*.cruds'], { standing = 'live' } = {}) {
      const clientId = `system-${randomBytes(6).toString('hex')}`;
      const companyId = newRootId();
      await owner.query('insert into company (id, name) values ($1, $2)', [companyId, `Company ${next()}`]);
      await owner.query(
        `insert into system (client_id, company_id, name, purpose, contact_name, contact_email, privacy_notice_url,
                             standing, scopes, permissions, auth_method)
         values ($1, $2, $3, 'Testing', 'Test', 'test@example.org', 'https://example.org/privacy', $4, $5, $6,
                 'client_secret_basic')`,
        [clientId, companyId, `System ${next()}`, standing, scopes, permissionsOf(scopes)],
      );
      return { clientId };
    },

    async connection(
      organisation: { id: string },
      system: { clientId: string },
      options: {
        scopes?: string[];
        status?: 'active' | 'suspended' | 'revoked' | 'expired';
        labels?: number;
        teams?: string[] | null;
        expiresAt?: Date | null;
      } = {},
    ) {
      const {
        scopes = ['system/*.cruds'],
        status = 'active',
        labels = 15,
        teams = null,
        expiresAt = null,
      } = options;
      const id = newRootId();
      await owner.query(
        `insert into connection (id, organisation_id, client_id, status, scopes, permissions, labels, teams, granted_at,
                                 expires_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, now(), $9, case when $4 in ('revoked', 'expired') then now() end)`,
        [
          id,
          organisation.id,
          system.clientId,
          status,
          scopes,
          permissionsOf(scopes),
          labels,
          teams,
          expiresAt,
        ],
      );
      return { id };
    },

    /** Ends a connection as a revoke does. */
    async revoke(connection: { id: string }) {
      await owner.query(`update connection set status = 'revoked', ended_at = now() where id = $1`, [
        connection.id,
      ]);
    },

    /** An access token that is live for five minutes, unless told otherwise. */
    async token(
      system: { clientId: string },
      options: { scopes?: string[]; organisation?: { id: string }; lifetimeSeconds?: number } = {},
    ) {
      const { scopes = ['system/*.cruds'], organisation, lifetimeSeconds = 300 } = options;
      const token = randomBytes(32).toString('base64url');
      await owner.query(
        `insert into access_token (token_hash, client_id, scopes, permissions, organisation_id, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, now(), now() + make_interval(secs => $6))`,
        [
          createHash('sha256').update(token).digest(),
          system.clientId,
          scopes,
          permissionsOf(scopes),
          organisation?.id ?? null,
          lifetimeSeconds,
        ],
      );
      return token;
    },

    /** A system with a connection to the organisation and a token, for whoever just needs access. */
    async access(
      organisation: { id: string },
      options: { scopes?: string[]; labels?: number; teams?: string[] } = {},
    ) {
      const { scopes = ['system/*.cruds'], ...limits } = options;
      const system = await this.system(scopes);
      const connection = await this.connection(organisation, system, { scopes, ...limits });
      return { system, connection, token: await this.token(system, { scopes }) };
    },

    /** A patient with a Patient resource, registered with the organisation that wrote it. */
    async patient(organisation: { id: string; teamId?: string }, more: Record<string, unknown> = {}) {
      const id = newRootId();
      const resource = { resourceType: 'Patient', birthDate: '1980-02-03', ...more };
      await owner.query('insert into patient (route, id, birth_date) values ($1, $2, $3)', [
        routeOf(id),
        id,
        resource.birthDate,
      ]);
      await this.register({ id }, organisation);
      await this.stored(organisation, resource, { id, patientId: id });
      return { id };
    },

    /** Registers a patient with (another) organisation. `shares`: what of others' entries it may see. */
    async register(
      patient: { id: string },
      organisation: { id: string; teamId?: string },
      { shares = 0, teams }: { shares?: number; teams?: string[] } = {},
    ) {
      await owner.query(
        `insert into registration (route, patient_id, organisation_id, shared_labels, teams) values ($1, $2, $3, $4, $5)
         on conflict (route, patient_id, organisation_id)
         do update set shared_labels = excluded.shared_labels, teams = excluded.teams`,
        [
          routeOf(patient.id),
          patient.id,
          organisation.id,
          shares,
          teams ?? (organisation.teamId ? [organisation.teamId] : []),
        ],
      );
    },

    /** What the patient lets an organisation see of others' entries, chosen as on their page. */
    async choose(patient: { id: string }, organisation: { id: string }, labels: number) {
      await owner.query(
        `with acting as materialized (select set_config('app.patient', $1, true))
         select choose_sharing($2, $3::smallint, $4, $3 = 0) from acting`,
        [patient.id, organisation.id, labels, newResourceId(patient.id)],
      );
    },

    /** A resource as if the organisation had written it. */
    async stored(
      organisation: { id: string },
      resource: Record<string, unknown>,
      options: { id?: string; patientId?: string | null; label?: PrivacyLabel; at?: Date } = {},
    ) {
      const { patientId = null, label = 'GENERAL_HEALTH', at = new Date() } = options;
      const id = options.id ?? newResourceId(patientId ?? organisation.id);
      const row = buildRow({
        resource,
        id,
        version: 1,
        at,
        organisationId: organisation.id,
        patientId,
        label: labelNumber(label)!,
      });
      await insertRows(owner as pg.ClientBase & pg.Pool, [row]);
      return { id, content: row.content };
    },

    /** An Observation about a patient, as if the organisation had written it. */
    async observation(
      organisation: { id: string },
      patient: { id: string },
      options: { label?: PrivacyLabel; date?: string; code?: string; value?: number } = {},
    ) {
      const { date, code, value, label } = options;
      const resource = observationOf(patient, { date, code, value });
      return this.stored(organisation, resource, { patientId: patient.id, label });
    },
  };
}

/** A valid Observation. */
export function observationOf(
  patient: { id: string },
  {
    date = '2026-01-02T03:04:05Z',
    code = '8867-4',
    value = 72,
  }: { date?: string; code?: string; value?: number } = {},
) {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [
      {
        coding: [
          { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' },
        ],
      },
    ],
    code: { coding: [{ system: 'http://loinc.org', code }] },
    subject: { reference: `Patient/${patient.id}` },
    effectiveDateTime: date,
    valueQuantity: { value, unit: 'beats/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
}
