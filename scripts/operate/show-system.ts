import { SystemError } from '../../src/systems/system-error.ts';
import type { Command } from './command.ts';

/** What is registered of a system, and which secrets are live: their IDs are what `end-secret` takes. */
export const showSystem: Command = {
  summary: 'shows what is registered of a system, and the IDs of its live secrets',
  options: { 'client-id': { value: 'id', meaning: 'the System Client ID' } },
  async run(of, { database }) {
    const clientId = of('client-id');
    const { rows } = await database.service.query(SYSTEM, [clientId]);
    const system = rows[0];
    if (!system) throw new SystemError('SYSTEM_UNKNOWN', 'There is no such system.');
    const secrets = await database.service.query(LIVE_SECRETS, [clientId]);
    return {
      about: { clientId },
      lines: [
        `System: ${system.name}, of ${system.company}`,
        `Standing: ${system.standing}`,
        `Contact: ${system.contact_name} <${system.contact_email}>`,
        `Scopes: ${system.scopes.join(' ')}`,
        `Authenticates by: ${system.auth_method}`,
        ...(system.kids ? [`Keys: ${system.kids.join(', ')}`] : []),
        ...(system.jwks_uri ? [`Keys' URL: ${system.jwks_uri}`] : []),
        ...secrets.rows.map(secretLine),
        `Active connections: ${system.connections}`,
      ],
    };
  },
};

type Secret = { id: string; created_at: Date; expires_at: Date | null };

function secretLine({ id, created_at: made, expires_at: expires }: Secret): string {
  const end = expires ? `, ends ${expires.toISOString()}` : '';
  return `Live secret: ${id}, made ${made.toISOString()}${end}`;
}

const SYSTEM = `
select s.name, c.name as company, s.standing, s.contact_name, s.contact_email, s.scopes, s.auth_method, s.jwks_uri,
       (select array_agg(k ->> 'kid') from jsonb_array_elements(s.jwks -> 'keys') k) as kids,
       (select count(*) from connection n where n.client_id = s.client_id and n.status = 'active'
           and (n.expires_at is null or n.expires_at > now())) as connections
  from system s join company c on c.id = s.company_id
 where s.client_id = $1`;

const LIVE_SECRETS = `
select id, created_at, expires_at from system_secret
 where client_id = $1 and ended_at is null and (expires_at is null or expires_at > now())
 order by created_at, id`;
