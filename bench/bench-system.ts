import type { ClientBase } from 'pg';
import { insertRows } from '../src/demo/store.ts';
import type { World } from '../src/demo/world.ts';
import { secretHash } from '../src/oauth/client-secret.ts';
import { permissionsOf } from '../src/oauth/scopes.ts';

/** The system that measures. Its secret opens nothing but a database made for measuring. */
export const SYSTEM = {
  clientId: '00000000-0000-8000-8000-0000000be7c4',
  secret: 'a-secret-of-the-measuring-system-alone-0000',
  scopes: ['system/*.cruds'],
};

/** Registers the measuring system and connects it to the world's first organisation, under every label. */
export async function insertBenchSystem(client: ClientBase, world: World, pepper: Buffer): Promise<void> {
  const { clientId, secret, scopes } = SYSTEM;
  const created_at = new Date().toISOString();
  const permissions = permissionsOf(scopes);
  await insertRows(client, 'company', [{ id: ID(1), name: 'Measuring', created_at }]);
  await insertRows(client, 'system', [
    {
      client_id: clientId,
      company_id: ID(1),
      name: 'Measuring',
      purpose: 'To measure',
      contact_name: 'Nobody',
      contact_email: 'nobody@example.org',
      privacy_notice_url: 'https://example.org',
      standing: 'live',
      scopes,
      permissions,
      auth_method: 'client_secret_basic',
      created_at,
    },
  ]);
  const secret_hash = `\\x${secretHash(pepper, secret).toString('hex')}`;
  await insertRows(client, 'system_secret', [{ id: ID(2), client_id: clientId, secret_hash, created_at }]);
  await insertRows(client, 'connection', [
    {
      id: ID(3),
      organisation_id: world.organisations[0]!.id,
      client_id: clientId,
      status: 'active',
      scopes,
      permissions,
      labels: 15,
      granted_at: created_at,
    },
  ]);
}

const ID = (number: number) => `00000000-0000-8000-8000-be7c0000000${number}`;
