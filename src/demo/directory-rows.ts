import { newRootId } from '../ids.ts';
import { secretHash } from '../oauth/client-secret.ts';
import { permissionsOf } from '../oauth/scopes.ts';
import type { Secrets } from '../secrets.ts';
import { hashPassword } from '../sign-in/password.ts';
import { sealTotpSecret, secretOf } from '../sign-in/totp.ts';
import { type Calendar, createCalendar } from './calendar.ts';
import { labelBits } from './patient-rows.ts';
import { createRandom } from './random.ts';
import type { Table } from './store.ts';
import { publicJwk } from './systems.ts';
import type { World } from './world.ts';

type Tables = [Table, object[]][];

/** How long the organisations have been here; by it a later start knows the day that the world is told from. */
export const ORGANISATION_AGE_DAYS = 1000;

/** Everything of the world but its patients as rows, in an order that foreign keys allow. Secrets are hashed here. */
export async function directoryRows(
  world: World,
  secrets: Pick<Secrets, 'pepper' | 'encryptionKey'>,
): Promise<Tables> {
  const calendar = createCalendar(world.today);
  return [
    ...organisationRows(world, calendar),
    ...(await staffRows(world, calendar, secrets.encryptionKey)),
    ...systemRows(world, calendar, secrets.pepper),
    ...connectionRows(world),
  ];
}

function organisationRows({ organisations }: World, calendar: Calendar): Tables {
  const created_at = calendar.instant(-ORGANISATION_AGE_DAYS, 0);
  return [
    [
      'organisation',
      organisations.map(({ id, odsCode, name }) => ({ id, ods_code: odsCode, name, created_at })),
    ],
    [
      'team',
      organisations.flatMap(({ id, teams }) =>
        teams.map((team) => ({
          id: team.id,
          organisation_id: id,
          name: team.name,
          is_default: team.isDefault,
        })),
      ),
    ],
  ];
}

async function staffRows({ staff }: World, calendar: Calendar, encryptionKey: Buffer): Promise<Tables> {
  const created_at = calendar.instant(-600, 0);
  return [
    [
      'account',
      await Promise.all(
        staff.map(async ({ id, email, name, password, totpSecret }) => ({
          id,
          email,
          name,
          password_hash: await hashPassword(password),
          totp_secret: totpSecret ? bytea(sealTotpSecret(encryptionKey, id, secretOf(totpSecret))) : null,
          created_at,
        })),
      ),
    ],
    [
      'staff_role',
      staff.flatMap(({ id, roles }) =>
        roles.map(({ organisationId, role, teamId }) => ({
          account_id: id,
          organisation_id: organisationId,
          role,
          team_id: teamId,
          created_at,
        })),
      ),
    ],
  ];
}

function systemRows({ seed, companies, systems }: World, calendar: Calendar, pepper: Buffer): Tables {
  const created_at = calendar.instant(-500, 0);
  const random = createRandom(`${seed}/secrets`);
  return [
    ['company', companies.map(({ id, name }) => ({ id, name, created_at }))],
    [
      'system',
      systems.map((system) => ({
        client_id: system.clientId,
        company_id: system.companyId,
        name: system.name,
        purpose: system.purpose,
        contact_name: system.contactName,
        contact_email: system.contactEmail,
        privacy_notice_url: system.privacyNoticeUrl,
        standing: system.standing,
        scopes: system.scopes,
        permissions: permissionsOf(system.scopes),
        auth_method: system.authMethod,
        jwks: system.privateJwk ? { keys: [publicJwk(system.privateJwk)] } : null,
        created_at,
      })),
    ],
    [
      'system_secret',
      systems.flatMap(({ clientId, clientSecret }) =>
        clientSecret
          ? [
              {
                id: newRootId(random.bytes),
                client_id: clientId,
                secret_hash: bytea(secretHash(pepper, clientSecret)),
                created_at,
              },
            ]
          : [],
      ),
    ],
  ];
}

function connectionRows({ connections }: World): Tables {
  return [
    [
      'connection',
      connections.map((connection) => ({
        id: connection.id,
        organisation_id: connection.organisationId,
        client_id: connection.clientId,
        status: connection.status,
        scopes: connection.scopes,
        permissions: permissionsOf(connection.scopes),
        labels: labelBits(connection.labels),
        teams: connection.teamIds,
        reason: connection.reason,
        granted_at: connection.grantedAt,
        granted_by: connection.grantedBy,
        expires_at: connection.expiresAt,
        ended_at: connection.endedAt,
        ended_by: connection.endedBy,
        end_reason: connection.endReason,
      })),
    ],
    [
      'connection_event',
      connections.flatMap(({ id, events }) =>
        events.map(({ accountId, ...event }) => ({ ...event, connection_id: id, account_id: accountId })),
      ),
    ],
  ];
}

/** How JSON carries a bytea. */
const bytea = (bytes: Buffer) => `\\x${bytes.toString('hex')}`;
