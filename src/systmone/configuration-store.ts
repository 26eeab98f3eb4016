import type { ClientBase, Pool } from 'pg';
import type { LaunchConfiguration } from './configuration.ts';

type Queryable = Pick<ClientBase | Pool, 'query'>;

const COLUMNS = `
  c.id, c.key_id as "keyId", c.organisation_id as "organisationId", c.profile, c.cipher, c.encoding,
  c.sends_birth_date as "sendsBirthDate", c.sends_role as "sendsRole", c.sealed_secret as "sealedSecret", c.practices,
  c.landing, c.allow_switch as "allowSwitch", c.allow_break_glass as "allowBreakGlass", c.created_at as "createdAt",
  c.withdrawn_at as "withdrawnAt"`;

const WITH_PEOPLE = `
  ${COLUMNS}, m.name as "createdBy", w.name as "withdrawnBy",
  (select max(e.at) from launch_event e where e.configuration_id = c.id and e.outcome in ('allowed', 'allowed-second-browser')) as "lastLaunch"
  from launch_configuration c
  left join account m on m.id = c.created_by
  left join account w on w.id = c.withdrawn_by`;

/** For a launch: one look by the key in its address, withdrawn or not. */
export async function configurationByKey(
  database: Queryable,
  keyId: string,
): Promise<LaunchConfiguration | null> {
  const { rows } = await database.query({
    name: 'launch-configuration-by-key',
    text: `select ${COLUMNS} from launch_configuration c where c.key_id = $1`,
    values: [keyId],
  });
  return rows[0] ?? null;
}

/** Those of an organisation, the newest first; the withdrawn ones after the live. */
export async function configurationsOf(
  database: Queryable,
  organisationId: string,
): Promise<LaunchConfiguration[]> {
  const { rows } = await database.query({
    name: 'launch-configurations',
    text: `select ${WITH_PEOPLE} where c.organisation_id = $1
            order by c.withdrawn_at is not null, c.created_at desc limit 50`,
    values: [organisationId],
  });
  return rows;
}

/** One of this organisation; another's is null, as one that does not exist. */
export async function configurationOf(
  database: Queryable,
  organisationId: string,
  id: string,
): Promise<LaunchConfiguration | null> {
  const { rows } = await database.query({
    name: 'launch-configuration',
    text: `select ${WITH_PEOPLE} where c.organisation_id = $1 and c.id = $2`,
    values: [organisationId, id],
  });
  return rows[0] ?? null;
}

export type NewConfiguration = Omit<
  LaunchConfiguration,
  'createdBy' | 'withdrawnAt' | 'withdrawnBy' | 'lastLaunch'
> & { createdBy: string | null; formId: string };

/** Takes one of the two places. 'repeated': this form was sent before; 'full': both places are taken. */
export async function insertConfiguration(
  database: Queryable,
  made: NewConfiguration,
): Promise<'made' | 'repeated' | 'full'> {
  for (const slot of [1, 2]) {
    const { rowCount } = await database.query({
      name: 'launch-configuration-insert',
      text: `
        insert into launch_configuration (id, key_id, organisation_id, slot, form_id, profile, cipher, encoding,
          sends_birth_date, sends_role, sealed_secret, practices, landing, allow_switch, allow_break_glass,
          created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        on conflict do nothing`,
      values: [
        made.id,
        made.keyId,
        made.organisationId,
        slot,
        made.formId,
        made.profile,
        made.cipher,
        made.encoding,
        made.sendsBirthDate,
        made.sendsRole,
        made.sealedSecret,
        made.practices,
        made.landing,
        made.allowSwitch,
        made.allowBreakGlass,
        made.createdAt,
        made.createdBy,
      ],
    });
    if (rowCount === 1) return 'made';
  }
  const { rowCount } = await database.query({
    name: 'launch-configuration-form',
    text: 'select from launch_configuration where form_id = $1',
    values: [made.formId],
  });
  return rowCount === 1 ? 'repeated' : 'full';
}

/** True when it was live. Launches that start after this is committed find it withdrawn. */
export async function withdrawConfiguration(
  database: Queryable,
  withdrawal: { id: string; organisationId: string; accountId: string; at: Date },
): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'launch-configuration-withdraw',
    text: `update launch_configuration set withdrawn_at = $4, withdrawn_by = $3
            where id = $1 and organisation_id = $2 and withdrawn_at is null`,
    values: [withdrawal.id, withdrawal.organisationId, withdrawal.accountId, withdrawal.at],
  });
  return rowCount === 1;
}
