import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowBuilder } from '../../src/fhir/store/row.ts';
import { newSecret, secretHash } from '../../src/oauth/client-secret.ts';
import { startChild } from '../support/child.ts';
import { connectedWorld } from '../support/connected-world.ts';
import { testDatabase } from '../support/database.ts';
import { makers, testDefinitions } from '../support/world.ts';

const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));
const SCOPES = ['system/Observation.rs', 'system/Patient.rs'];

/**
 * The service as two processes on one database, sharing their keys, and a small world: an organisation with an
 * administrator and a patient's observation, and a system that has a secret and no connection yet.
 */
export async function twoProcesses() {
  const db = await testDatabase();
  const owner = db.database.owner;
  const keys = Object.fromEntries(
    ['SECRET_PEPPER', 'COOKIE_KEY', 'AUDIT_KEY', 'ENCRYPTION_KEY'].map((name) => [name, randomBytes(32)]),
  );
  const folder = mkdtempSync(join(tmpdir(), 'two-processes-'));
  const definitions = await testDefinitions();
  const processes = ['one', 'other'].map((name) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir);
    symlinkSync(resolve('.data/definitions'), join(dataDir, 'definitions'));
    const env = Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key, value.toString('base64')]),
    );
    return startChild(SERVER, {
      env: { ...env, DATABASE_URL: db.url, DATA_DIR: dataDir, PORT: '0', DEMO: 'false', LOG_LEVEL: 'error' },
    });
  });
  const addresses = await Promise.all(
    processes.map(async (one) => (await one.says(/is at (http:\S+)/))[1] as string),
  );

  const make = makers(owner, rowBuilder(definitions));
  const organisation = await make.organisation();
  const patient = await make.patient(organisation);
  const observation = await make.observation(organisation, patient);
  const { clientId } = await make.system(SCOPES);
  const secret = newSecret();
  await owner.query(
    'insert into system_secret (id, client_id, secret_hash) values (gen_random_uuid(), $1, $2)',
    [clientId, secretHash(keys.SECRET_PEPPER!, secret)],
  );
  const administrator = await connectedWorld(owner).staff(organisation.id);
  const session = randomBytes(32).toString('base64url');
  await owner.query(
    `insert into staff_session (id_hash, account_id, organisation_id, csrf_token, second_factor_at, created_at,
                                last_seen_at, expires_at)
     values ($1, $2, $3, $4, now(), now(), now(), now() + interval '1 hour')`,
    [
      createHash('sha256').update(session).digest(),
      administrator.accountId,
      organisation.id,
      randomBytes(32).toString('base64url'),
    ],
  );

  return {
    db,
    owner,
    addresses,
    organisation,
    patient,
    observation,
    clientId,
    session,
    authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    connect: (status: 'active' | 'revoked' = 'active') =>
      make.connection(organisation, { clientId }, { scopes: SCOPES, status }),
    async stop() {
      await Promise.all(processes.map((one) => one.end('SIGTERM')));
      await db.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type TwoProcesses = Awaited<ReturnType<typeof twoProcesses>>;

/** The n-th time, the one or the other process. */
export const either = (addresses: readonly string[], n: number): string => addresses[n % addresses.length]!;
