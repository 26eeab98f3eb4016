import { routeOf } from '../../src/ids.ts';
import type { Model } from './model.ts';
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
    registration.shared = event.shared;
    await owner.query(`update registration set shared_labels = $4 ${where}`, [...key, event.shared]);
  } else if (event.event === 'register' && !registration) {
    const teams = [organisation.teams[event.team]!];
    patient.registrations.set(organisation.id, { shared: 0, teams });
    await owner.query(
      'insert into registration (route, patient_id, organisation_id, teams) values ($1, $2, $3, $4)',
      [...key, teams],
    );
  }
}
