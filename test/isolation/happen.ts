import { newResourceId, routeOf } from '../../src/ids.ts';
import type { Model, Patient } from './model.ts';
import { choiceMarker, LABELS } from './request.ts';
import { at } from './resolve.ts';
import type { Service } from './service.ts';
import type { Event } from './step-spec.ts';

/** Something that people do while systems ask: in the database and in the model. */
export async function happen({ owner }: Pick<Service, 'owner'>, model: Model, event: Event): Promise<void> {
  switch (event.event) {
    case 'connection': {
      const connection = at(model.connections, event.connection);
      const latest = model.connections.findLast(
        ({ organisation, clientId }) =>
          organisation === connection.organisation && clientId === connection.clientId,
      );
      // The earlier ones of a pair are history.
      if (latest !== connection) return;
      const ended = event.to === 'past';
      const status = event.to === 'past' ? 'active' : event.to;
      Object.assign(connection, { status, ended });
      await owner.query(
        `update connection set status = $2, ended_at = case when $2 = 'revoked' then now() end,
                expires_at = case when $3 then now() - interval '1 second' end where id = $1`,
        [connection.id, status, ended],
      );
      return;
    }
    case 'narrow': {
      const connection = at(model.connections, event.connection);
      const { teams } = model.organisations.find(({ id }) => id === connection.organisation)!;
      Object.assign(connection, {
        labels: event.labels,
        teams: event.team === null ? null : [teams[event.team]!],
      });
      await owner.query('update connection set labels = $2, teams = $3 where id = $1', [
        connection.id,
        connection.labels,
        connection.teams,
      ]);
      return;
    }
    case 'system': {
      const system = at(model.systems, event.system);
      system.live = event.live;
      const standing = event.live ? 'live' : 'suspended';
      await owner.query('update system set standing = $2 where client_id = $1', [system.clientId, standing]);
      return;
    }
    case 'token': {
      const token = at(model.tokens, event.token);
      token.live = false;
      await owner.query(`delete from access_token where token_hash = sha256(convert_to($1, 'UTF8'))`, [
        token.secret,
      ]);
      return;
    }
    default:
      return registrationChanged(owner, model, event);
  }
}

async function registrationChanged(
  owner: Service['owner'],
  model: Model,
  event: Extract<Event, { patient: number }>,
): Promise<void> {
  const patient = at([...model.patients.values()], event.patient);
  if (!patient) return;
  const organisation = at(model.organisations, event.organisation);
  const registration = patient.registrations.get(organisation.id);
  const key = [routeOf(patient.id), patient.id, organisation.id];
  const where = 'where route = $1 and patient_id = $2 and organisation_id = $3';
  if (event.event === 'leave') {
    patient.registrations.delete(organisation.id);
    await owner.query(`delete from registration ${where}`, key);
  } else if (event.event === 'share' && registration) {
    await chooses(owner, model, patient, organisation.id, event.shared);
  } else if (event.event === 'register' && !registration) {
    const teams = [organisation.teams[event.team]!];
    patient.registrations.set(organisation.id, { shared: 0, teams });
    await owner.query(
      'insert into registration (route, patient_id, organisation_id, teams) values ($1, $2, $3, $4)',
      [...key, teams],
    );
  }
}

/** As on the patient's own page: what is shared from now on, and the Consent that says so. */
async function chooses(
  owner: Service['owner'],
  model: Model,
  patient: Patient,
  organisation: string,
  labels: number,
): Promise<void> {
  const registration = patient.registrations.get(organisation)!;
  if (registration.shared === labels) return;
  registration.shared = labels;
  const id = newResourceId(patient.id);
  await owner.query(
    `with acting as materialized (select set_config('app.patient', $1, true))
     select choose_sharing($2, $3::smallint, $4, false) from acting`,
    [patient.id, organisation, labels, id],
  );
  const marker = choiceMarker(
    LABELS.filter((_, n) => Math.floor(labels / 2 ** n) % 2 === 1).map((code) => ({ code })),
  );
  const known = [...model.records.values()].find(
    (one) => one.chosen && one.patient === patient.id && one.organisation === organisation,
  );
  const version = { number: (known?.versions.length ?? 0) + 1, label: 0, marker, identifier: null };
  if (known) known.versions.push(version);
  else {
    const chosen = { id, type: 'Consent' as const, patient: patient.id, organisation, chosen: true };
    model.records.set(id, { ...chosen, versions: [version] });
  }
}
