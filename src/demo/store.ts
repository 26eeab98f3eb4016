import type { ClientBase } from 'pg';
import type { Row } from '../fhir/store/row.ts';

/** Whether nobody has put anything here yet: every use of the service begins with an organisation. */
export async function isEmpty(client: ClientBase): Promise<boolean> {
  const { rowCount } = await client.query('select from organisation limit 1');
  return rowCount === 0;
}

/** When an organisation was added, if it is there. */
export async function organisationSince(client: ClientBase, id: string): Promise<Date | undefined> {
  const { rows } = await client.query<{ created_at: Date }>(
    'select created_at from organisation where id = $1',
    [id],
  );
  return rows[0]?.created_at;
}

export async function countAccounts(client: ClientBase, ids: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'select count(*) from account where id = any ($1) and disabled_at is null',
    [ids],
  );
  return rows[0]!.count;
}

/** One loader at a time; the lock goes with the transaction, and so with whoever dies in it. */
export async function lockLoading(client: ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
}

const LOCK = 4_117_330_953;

/** Column names and types of each table as a loader writes it. One JSON parameter carries all rows of a statement. */
const TABLES = {
  organisation: 'id uuid, ods_code text, name text, created_at timestamptz',
  team: 'id uuid, organisation_id uuid, name text, is_default boolean',
  company: 'id uuid, name text, created_at timestamptz',
  account: 'id uuid, email text, name text, password_hash text, totp_secret bytea, created_at timestamptz',
  staff_role: 'account_id uuid, organisation_id uuid, role text, team_id uuid, created_at timestamptz',
  system:
    'client_id text, company_id uuid, name text, purpose text, contact_name text, contact_email text, ' +
    'privacy_notice_url text, standing text, scopes text[], permissions text[], auth_method text, jwks jsonb, ' +
    'created_at timestamptz',
  system_secret: 'id uuid, client_id text, secret_hash bytea, created_at timestamptz',
  connection:
    'id uuid, organisation_id uuid, client_id text, status text, scopes text[], permissions text[], labels smallint, ' +
    'teams uuid[], reason text, granted_at timestamptz, granted_by uuid, expires_at timestamptz, ' +
    'ended_at timestamptz, ended_by uuid, end_reason text',
  connection_event: 'id uuid, connection_id uuid, at timestamptz, kind text, account_id uuid, detail text',
  patient: 'route integer, id uuid, birth_date date, deceased boolean, created_at timestamptz',
  patient_identifier: 'system text, value text, route integer, patient_id uuid',
  registration:
    'route integer, patient_id uuid, organisation_id uuid, shared_labels smallint, teams uuid[], ' +
    'registered_at timestamptz',
} as const;

export type Table = keyof typeof TABLES;

/** Inserts rows in one statement. The names come from the table above, never from data. */
export async function insertRows(client: ClientBase, table: Table, rows: readonly object[]): Promise<void> {
  const names = TABLES[table].replaceAll(/ [a-z]+(\[\])?(?=,|$)/g, '');
  await client.query(
    `insert into ${table} (${names}) select ${names} from json_to_recordset($1) as rows (${TABLES[table]})`,
    [JSON.stringify(rows)],
  );
}

/**
 * The resources of many patients in one statement. Arrays of columns, not JSON: the texts are long, and would be
 * escaped and read again for nothing. `tokens` and the like are ragged, so each row's comes as one JSON text.
 */
const INSERT_RESOURCES = `
  insert into resource (
    route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
    tokens, identifiers, strings, dates, numbers, content)
  select route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
         array(select json_array_elements_text(tokens::json)),
         case when identifiers is not null then array(select json_array_elements_text(identifiers::json)) end,
         case when strings is not null then array(select json_array_elements_text(strings::json)) end,
         dates, numbers, content
    from unnest($1::integer[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::smallint[], $7::integer[],
                $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[],
                $14::jsonb[], $15::jsonb[], $16::text[])
      as rows (route, id, type, patient_id, organisation_id, label, version, updated_at, sort_from, sort_to,
               tokens, identifiers, strings, dates, numbers, content)`;

export async function insertResources(client: ClientBase, rows: readonly Row[]): Promise<void> {
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
  await client.query({
    name: 'demo insert resources',
    text: INSERT_RESOURCES,
    values: [
      rows.map(({ route }) => route),
      rows.map(({ id }) => id),
      rows.map(({ type }) => type),
      rows.map(({ patientId }) => patientId),
      rows.map(({ organisationId }) => organisationId),
      rows.map(({ label }) => label),
      rows.map(({ version }) => version),
      rows.map(({ updatedAt }) => updatedAt),
      rows.map(({ sortFrom }) => sortFrom),
      rows.map(({ sortTo }) => sortTo),
      rows.map(({ tokens }) => json(tokens)),
      rows.map(({ identifiers }) => json(identifiers)),
      rows.map(({ strings }) => json(strings)),
      rows.map(({ dates }) => dates),
      rows.map(({ numbers }) => numbers),
      rows.map(({ content }) => content),
    ],
  });
}
