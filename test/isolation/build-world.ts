import { createHash, randomBytes } from 'node:crypto';
import { insertRows } from '../../src/fhir/store/insert-rows.ts';
import { type Row, rowBuilder } from '../../src/fhir/store/row.ts';
import { newResourceId, newRootId, routeOf } from '../../src/ids.ts';
import { permissionsOf } from '../../src/oauth/scopes.ts';
import { current, isDeleted, type Model, type Patient, type Stored } from './model.ts';
import { nextMarker, nextNhsNumber, nextOdsCode } from './numbers.ts';
import { resourceOf } from './request.ts';
import { at } from './resolve.ts';
import type { Service } from './service.ts';
import { TEAMS_EACH, type WorldSpec } from './world-spec.ts';

/** The world that a description describes, in memory alone. */
export function modelOf(spec: WorldSpec): Model {
  const organisations = Array.from({ length: spec.organisations }, () => ({
    id: newRootId(),
    odsCode: nextOdsCode(),
    teams: Array.from({ length: TEAMS_EACH }, () => newRootId()),
  }));
  const systems = spec.systems.map((system) => ({
    ...system,
    clientId: `system-${randomBytes(9).toString('hex')}`,
  }));
  const pairs = new Set<string>();
  const connections = spec.connections.toReversed().map(({ organisation, system, ends, teams, ...rest }) => {
    const { id, teams: its } = at(organisations, organisation);
    const { clientId } = at(systems, system);
    const pair = `${id} ${clientId}`;
    // Of one organisation and system, only the latest connection can still stand.
    const status = pairs.has(pair) && rest.status !== 'expired' ? ('revoked' as const) : rest.status;
    pairs.add(pair);
    return {
      ...rest,
      id: newRootId(),
      organisation: id,
      clientId,
      status,
      ended: ends === 'past',
      teams: teams === null ? null : teams.map((team) => its[team]!),
    };
  });
  // Beside the random ones, each system has one token that is good everywhere: else too little would be allowed.
  const good = systems.map((_, system) => ({
    system,
    scopes: ['system/*.cruds'],
    boundTo: null,
    expired: false,
  }));
  const tokens = [...spec.tokens, ...good].map(({ system, scopes, boundTo, expired }) => ({
    secret: randomBytes(32).toString('base64url'),
    clientId: at(systems, system).clientId,
    scopes,
    boundTo: boundTo === null ? null : at(organisations, boundTo).id,
    live: !expired,
  }));
  const model: Model = {
    organisations,
    systems,
    connections: connections.reverse(),
    tokens,
    patients: new Map(),
    records: new Map(),
  };
  for (const { author, label, national, birthDate, registrations } of spec.patients) {
    const id = newRootId();
    const patient: Patient = {
      id,
      birthDate,
      national: national ? nextNhsNumber() : null,
      registrations: new Map(
        registrations.map(({ organisation, shared, teams }) => {
          const its = at(organisations, organisation);
          return [its.id, { shared, teams: teams.map((team) => its.teams[team]!) }];
        }),
      ),
    };
    model.patients.set(id, patient);
    const version = { number: 1, label, marker: nextMarker(), identifier: null };
    const organisation = at(organisations, author).id;
    model.records.set(id, { id, type: 'Patient', patient: id, organisation, versions: [version] });
  }
  const patientIds = [...model.patients.keys()];
  for (const { type, patient, author, labels, identifier, deleted } of spec.records) {
    const organisation = at(organisations, author).id;
    const about = type === 'Location' || patient === null ? null : (at(patientIds, patient) ?? null);
    const id = newResourceId(about ?? organisation);
    const named = identifier === null ? null : `number-${identifier}`;
    const versions: Stored['versions'] = labels.map((label, index) => ({
      number: index + 1,
      label,
      marker: nextMarker(),
      identifier: named,
    }));
    if (deleted) versions.push({ ...versions.at(-1)!, number: versions.length + 1, marker: null });
    model.records.set(id, { id, type, patient: about, organisation, versions });
  }
  return model;
}

/** Puts the world into the database: some ten statements, however large it is. */
export async function store({ owner, definitions }: Pick<Service, 'owner' | 'definitions'>, model: Model) {
  const insert = (columns: string, shape: string, rows: object[]) => {
    const [table, names] = columns.split(' ', 2) as [string, string];
    const text = `insert into ${table} (${names}) select ${names} from jsonb_to_recordset($1) as x(${shape})`;
    return owner.query(text, [JSON.stringify(rows)]);
  };
  const company = newRootId();
  await insert('company id,name', 'id uuid, name text', [{ id: company, name: 'Company' }]);
  await insert(
    'organisation id,ods_code,name',
    'id uuid, ods_code text, name text',
    model.organisations.map(({ id, odsCode }) => ({ id, ods_code: odsCode, name: odsCode })),
  );
  await insert(
    'team id,organisation_id,name,is_default',
    'id uuid, organisation_id uuid, name text, is_default boolean',
    model.organisations.flatMap((organisation) =>
      organisation.teams.map((id, index) => ({
        id,
        organisation_id: organisation.id,
        name: `Team ${index}`,
        is_default: index === 0,
      })),
    ),
  );
  await insert(
    'system client_id,company_id,name,purpose,contact_name,contact_email,privacy_notice_url,standing,scopes,permissions,auth_method',
    'client_id text, company_id uuid, name text, purpose text, contact_name text, contact_email text, privacy_notice_url text, standing text, scopes text[], permissions text[], auth_method text',
    model.systems.map(({ clientId, live, scopes }) => ({
      client_id: clientId,
      company_id: company,
      name: clientId,
      purpose: 'Testing',
      contact_name: 'Test',
      contact_email: 'test@example.org',
      privacy_notice_url: 'https://example.org',
      standing: live ? 'live' : 'suspended',
      scopes,
      permissions: permissionsOf(scopes),
      auth_method: 'client_secret_basic',
    })),
  );
  const hour = 3_600_000;
  const time = (shiftMs: number) => new Date(Date.now() + shiftMs).toISOString();
  await insert(
    'connection id,organisation_id,client_id,status,scopes,permissions,labels,teams,granted_at,expires_at,ended_at',
    'id uuid, organisation_id uuid, client_id text, status text, scopes text[], permissions text[], labels smallint, teams uuid[], granted_at timestamptz, expires_at timestamptz, ended_at timestamptz',
    model.connections.map(({ organisation, clientId, ended, ...rest }, index) => ({
      ...rest,
      organisation_id: organisation,
      client_id: clientId,
      permissions: permissionsOf(rest.scopes),
      granted_at: time(-2 * hour + index * 1000),
      expires_at: ended ? time(-hour) : index % 2 ? time(hour) : null,
      ended_at: rest.status === 'revoked' || rest.status === 'expired' ? time(-hour) : null,
    })),
  );
  await owner.query(
    `insert into access_token (token_hash, client_id, scopes, permissions, organisation_id, issued_at, expires_at)
     select decode(hash, 'hex'), client_id, scopes, permissions, organisation_id, now() - interval '1 minute', expires_at
       from jsonb_to_recordset($1) as x(hash text, client_id text, scopes text[], permissions text[],
                                        organisation_id uuid, expires_at timestamptz)`,
    [
      JSON.stringify(
        model.tokens.map(({ secret, clientId, scopes, boundTo, live }) => ({
          hash: createHash('sha256').update(secret).digest('hex'),
          client_id: clientId,
          scopes,
          permissions: permissionsOf(scopes),
          organisation_id: boundTo,
          expires_at: time(live ? hour : -1000),
        })),
      ),
    ],
  );
  const patients = [...model.patients.values()];
  await insert(
    'patient route,id,birth_date',
    'route integer, id uuid, birth_date date',
    patients.map(({ id, birthDate }) => ({ route: routeOf(id), id, birth_date: birthDate })),
  );
  await insert(
    'patient_identifier system,value,route,patient_id',
    'system text, value text, route integer, patient_id uuid',
    patients.flatMap(({ id, national }) =>
      national === null
        ? []
        : [
            {
              system: 'https://fhir.nhs.uk/Id/nhs-number',
              value: national,
              route: routeOf(id),
              patient_id: id,
            },
          ],
    ),
  );
  await insert(
    'registration route,patient_id,organisation_id,shared_labels,teams',
    'route integer, patient_id uuid, organisation_id uuid, shared_labels smallint, teams uuid[]',
    patients.flatMap(({ id, registrations }) =>
      [...registrations].map(([organisation, { shared, teams }]) => ({
        route: routeOf(id),
        patient_id: id,
        organisation_id: organisation,
        shared_labels: shared,
        teams,
      })),
    ),
  );
  const buildRow = rowBuilder(definitions);
  const stored = [...model.records.values()];
  await insertRows(
    owner,
    stored.filter((one) => !isDeleted(one)).map((one) => rowOf(model, buildRow, one, current(one))),
  );
  await insert(
    'resource_version route,id,version,type,patient_id,organisation_id,label,updated_at,content',
    'route integer, id uuid, version integer, type text, patient_id uuid, organisation_id uuid, label smallint, updated_at timestamptz, content text',
    stored.flatMap((one) =>
      (isDeleted(one) ? one.versions : one.versions.slice(0, -1)).map((version) => ({
        route: routeOf(one.id),
        id: one.id,
        version: version.number,
        type: one.type,
        patient_id: one.patient,
        organisation_id: one.organisation,
        label: version.label,
        updated_at: timeOf(version.number),
        content: version.marker === null ? null : rowOf(model, buildRow, one, version).content,
      })),
    ),
  );
}

const LONG_AGO = Date.UTC(2026, 0, 1);
const timeOf = (version: number) => new Date(LONG_AGO + version * 1000).toISOString();

function rowOf(
  model: Model,
  buildRow: ReturnType<typeof rowBuilder>,
  stored: Stored,
  version: Stored['versions'][number],
): Row {
  const { id, type, patient, organisation } = stored;
  const identity = type === 'Patient' ? model.patients.get(id) : undefined;
  const resource = resourceOf(type, {
    patient,
    label: null,
    identifier: version.identifier,
    marker: version.marker!,
    national: identity?.national,
    birthDate: identity?.birthDate,
  });
  return buildRow({
    resource,
    id,
    version: version.number,
    at: new Date(timeOf(version.number)),
    organisationId: organisation,
    patientId: patient,
    label: version.label,
  });
}
