import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import pino from 'pino';
import { testDatabase } from '../../test/support/database.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Context } from '../context.ts';
import { createHttp } from '../http.ts';
import { newRootId } from '../ids.ts';
import { newSecret, secretHash } from './client-secret.ts';
import { oauthRoutes } from './routes.ts';
import { permissionsOf } from './scopes.ts';

/**
 * For tests: the authorization server as two processes would run it, on one database, with systems to call it and the
 * audit entries that it would have made durable.
 */
export async function oauthFixture(options: Parameters<typeof oauthRoutes>[1] = {}) {
  const db = await testDatabase();
  const pepper = randomBytes(32);
  const entries: AuditEntry[] = [];
  const log = pino({ level: 'silent' });
  const audit = { fails: false };
  const context = {
    database: db.database,
    secrets: { pepper, auditKey: randomBytes(32) },
    audit: {
      record: async (entry: AuditEntry) => {
        if (audit.fails) throw new Error('the audit trail cannot be written');
        entries.push(entry);
      },
    },
    log,
    baseUrl: () => BASE_URL,
    now: () => new Date(),
  } as unknown as Context;

  const startProcess = async () => {
    const app = createHttp({ trustProxy: false }, log);
    await app.register(oauthRoutes(context, options));
    return app;
  };
  const [app, otherApp] = [await startProcess(), await startProcess()];
  const owner = db.database.owner;
  const companyId = newRootId();
  await owner.query('insert into company (id, name) values ($1, $2)', [companyId, 'Example Letters Ltd']);

  async function addSystem({
    scopes = ['system/Patient.rs'],
    standing = 'live',
    ...keys
  }: SystemSettings = {}) {
    const clientId = `system-${randomUUID()}`;
    const method = keys.jwks || keys.jwksUri ? 'private_key_jwt' : 'client_secret_basic';
    await owner.query(
      `insert into system (client_id, company_id, name, purpose, contact_name, contact_email, privacy_notice_url,
                           standing, scopes, permissions, auth_method, jwks, jwks_uri)
       values ($1, $2, 'Letters', 'Sends letters', 'A', 'a@example.org', 'https://example.org', $3, $4, $5, $6, $7, $8)`,
      [clientId, companyId, standing, scopes, permissionsOf(scopes), method, keys.jwks, keys.jwksUri],
    );
    const secret = newSecret();
    if (method === 'client_secret_basic') await addSecret(clientId, secret);
    return { clientId, secret };
  }

  async function addSecret(clientId: string, secret: string, expiresAt: Date | null = null) {
    await owner.query(
      'insert into system_secret (id, client_id, secret_hash, expires_at) values ($1, $2, $3, $4)',
      [randomUUID(), clientId, secretHash(pepper, secret), expiresAt],
    );
  }

  async function addOrganisation(odsCode: string) {
    const id = newRootId();
    await owner.query('insert into organisation (id, ods_code, name) values ($1, $2, $2)', [id, odsCode]);
    return { id, odsCode, fhirBase: `${BASE_URL}/organisations/${id}/fhir/R4` };
  }

  async function send(path: string, form: Record<string, string> | string, more: SendOptions = {}) {
    const { headers, through = app, address = '203.0.113.7' } = more;
    const response = await through.inject({
      method: 'POST',
      url: path,
      remoteAddress: address,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: response.body ? response.json() : undefined,
    };
  }

  return {
    db,
    owner,
    context,
    entries,
    audit,
    app,
    otherApp,
    pepper,
    addSystem,
    addSecret,
    addOrganisation,
    send,
    /** Asks for a token with a secret. */
    token: ({ clientId, secret }: Secretive, form: Record<string, string> = {}, more: SendOptions = {}) =>
      send(
        '/oauth/token',
        { grant_type: 'client_credentials', scope: 'system/Patient.rs', ...form },
        {
          ...more,
          headers: { authorization: basic(clientId, secret), ...more.headers },
        },
      ),
    async stop() {
      await Promise.all([app.close(), otherApp.close()]);
      await db.stop();
    },
  };
}

export const BASE_URL = 'https://service.example.org';

export function basic(clientId: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
}

/** A key pair of a vendor's, with the public half as it is registered. */
export function keyPair(alg: 'ES384' | 'RS384' = 'ES384', kid: string = randomUUID()) {
  const { publicKey, privateKey } =
    alg === 'ES384'
      ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } };
}

/** The form fields of an assertion that is right in everything but what is changed. */
export async function assertion(
  clientId: string,
  key: SigningKey,
  { claims = {}, header = {} }: Changes = {},
) {
  const nowS = Math.floor(Date.now() / 1000);
  const payload = {
    iss: clientId,
    sub: clientId,
    aud: `${BASE_URL}/oauth/token`,
    iat: nowS,
    exp: nowS + 60,
    jti: randomUUID(),
    ...claims,
  };
  const jwt = await new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
  };
}

export const GRANT = { grant_type: 'client_credentials', scope: 'system/Patient.rs' };

type Secretive = { clientId: string; secret: string };
type SigningKey = { alg: string; kid?: string; privateKey: KeyObject };
type Changes = { claims?: Record<string, unknown>; header?: Record<string, unknown> };
type SystemSettings = {
  scopes?: string[];
  standing?: string;
  jwks?: { keys: object[] };
  jwksUri?: string;
};
type SendOptions = {
  headers?: Record<string, string>;
  through?: Awaited<ReturnType<typeof createHttp>>;
  address?: string;
};
