import {
  type Connection,
  coversLabel,
  current,
  decide,
  find,
  isDeleted,
  type Model,
  maySee,
  registrationFor,
  type Stored,
  type Version,
  visible,
} from './model.ts';
import { LABELS, type Request, type ResolvedAct } from './request.ts';

/** What the rules say that the answer to a request is, and, for a write, what it does to the model. */
export type Expected = {
  status: number;
  code?: string;
  /** The resource that is answered. `id` undefined: a new one, of the server's choice. */
  shown?: Shown;
  history?: Shown[];
  found?: { all: Shown[]; total: number | null; countOnly: boolean; pageSize: number };
  /** Puts the write into the model, under the id that was given. */
  happens?: (id: string) => void;
};

export type Shown = { id?: string; version: number; label: string; source: string; marker: string | null };

const refused = (status: number, code: string): Expected => ({ status, code });

const STATUS: Record<string, number> = {
  'token-missing': 401,
  'token-invalid': 401,
  'organisation-missing': 400,
};

/** What an interaction needs. Conditional ones search first, and then need what they turn out to do. */
const NEEDS: Record<ResolvedAct['act'], string> = {
  read: 'r',
  history: 'r',
  vread: 'r',
  search: 's',
  create: 'c',
  register: 'c',
  update: 'u',
  delete: 'd',
  'create-once': 's',
  'update-conditional': 's',
};

export function expected(model: Model, request: Request): Expected {
  const { act, secret, organisation } = request;
  const needs = (letters: string) => [...letters].map((letter) => ({ type: act.type, letter }));
  const decision = decide(model, secret, organisation, needs(NEEDS[act.act]));
  if ('refused' in decision) return refused(STATUS[decision.refused] ?? 403, decision.refused);
  const { connection } = decision;
  const asked = { model, connection };
  switch (act.act) {
    case 'read': {
      const stored = find(model, connection, act.type, act.id);
      return stored ? versionAnswer(stored, current(stored)) : NOT_FOUND;
    }
    case 'vread': {
      const stored = find(model, connection, act.type, act.id);
      const version = stored?.versions.find(({ number }) => number === act.version);
      return stored && version && maySee(model, connection, stored, version)
        ? versionAnswer(stored, version)
        : NOT_FOUND;
    }
    case 'history': {
      const stored = find(model, connection, act.type, act.id);
      if (!stored) return NOT_FOUND;
      const seen = stored.versions.filter((version) => maySee(model, connection, stored, version));
      return { status: 200, history: seen.map((version) => shown(stored, version)).reverse() };
    }
    case 'search':
      return searched(asked, act);
    case 'create':
      return created(asked, act);
    case 'register':
      return registered(asked, act);
    case 'update': {
      const stored = find(model, connection, act.type, act.id);
      return stored && !isDeleted(stored) ? updated(asked, stored, act.body, act.ifMatch) : NOT_FOUND;
    }
    case 'delete':
      return deleted(asked, act);
    case 'create-once':
    case 'update-conditional': {
      const matches = visible(model, connection, act.type).filter(
        (stored) =>
          current(stored).identifier === act.body.identifier &&
          (stored.organisation === connection.organisation || stored.type === 'Patient'),
      );
      if (matches.length > 1) return refused(412, 'multiple-matches');
      const [match] = matches;
      if (match && act.act === 'create-once') return versionAnswer(match, current(match));
      const further = decide(model, secret, organisation, needs(match ? 'u' : 'c'));
      if ('refused' in further) return refused(403, further.refused);
      return match ? updated(asked, match, act.body, null) : created(asked, act);
    }
  }
}

const NOT_FOUND = refused(404, 'not-found');

type Asked = { model: Model; connection: Connection };

function shown(
  stored: Pick<Stored, 'organisation'> & Partial<Stored>,
  { number, label, marker }: Version,
): Shown {
  const source = stored.chosen ? stored.patient! : stored.organisation;
  return { id: stored.id, version: number, label: LABELS[label]!, source, marker };
}

function versionAnswer(stored: Stored, version: Version): Expected {
  if (version.marker === null) return refused(410, 'gone');
  return { status: 200, shown: shown(stored, version) };
}

function searched({ model, connection }: Asked, act: Extract<ResolvedAct, { act: 'search' }>): Expected {
  const all = visible(model, connection, act.type).filter(
    (stored) =>
      (act.patient === null || stored.patient === act.patient) &&
      (act.ids === null || act.ids.includes(stored.id)) &&
      (act.identifier === null || current(stored).identifier === act.identifier),
  );
  const countOnly = act.page.only || act.page.count === 0;
  return {
    status: 200,
    found: {
      all: countOnly ? [] : all.map((stored) => shown(stored, current(stored))),
      total: act.page.total || countOnly ? all.length : null,
      countOnly,
      pageSize: act.page.count ?? 20,
    },
  };
}

function created(
  { model, connection }: Asked,
  { type, body }: Extract<ResolvedAct, { act: 'create' | 'create-once' | 'update-conditional' }>,
): Expected {
  const label = body.label ?? 0;
  if (!coversLabel(connection, label)) return refused(403, 'label-not-covered');
  if (body.patient !== null && !registrationFor(model, connection, body.patient)) {
    return refused(422, 'patient-unknown');
  }
  const { organisation } = connection;
  const first: Version = { number: 1, label, marker: body.marker, identifier: body.identifier };
  return {
    status: 201,
    shown: shown({ organisation }, first),
    happens(id) {
      const patient = type === 'Patient' ? id : body.patient;
      if (type === 'Patient') addPatient({ model, connection }, id, null, '1980-02-03');
      model.records.set(id, { id, type, patient, organisation, versions: [first] });
    },
  };
}

/** A patient with a national number: one record however many organisations name it, if they agree on the birth. */
function registered({ model, connection }: Asked, act: Extract<ResolvedAct, { act: 'register' }>): Expected {
  const label = act.label ?? 0;
  if (!coversLabel(connection, label)) return refused(403, 'label-not-covered');
  const known = [...model.patients.values()].find(({ national }) => national === act.national);
  if (known && known.birthDate !== act.birthDate) return refused(422, 'birth-date-mismatch');
  const { organisation } = connection;
  if (!known) {
    const first: Version = { number: 1, label, marker: act.marker, identifier: null };
    return {
      status: 201,
      shown: shown({ organisation }, first),
      happens(id) {
        addPatient({ model, connection }, id, act.national, act.birthDate);
        model.records.set(id, { id, type: 'Patient', patient: id, organisation, versions: [first] });
      },
    };
  }
  const stored = model.records.get(known.id)!;
  const version = current(stored);
  return {
    status: 200,
    // The record is linked whatever its label; it is shown only under one that the connection covers.
    shown: coversLabel(connection, version.label) ? shown(stored, version) : undefined,
    happens() {
      const there = known.registrations.get(organisation);
      if (!there) addRegistration({ model, connection }, known.id);
      else if (connection.teams && !registrationFor(model, connection, known.id)) {
        there.teams = [...there.teams, ...connection.teams];
      }
    },
  };
}

function addPatient({ model, connection }: Asked, id: string, national: string | null, birthDate: string) {
  model.patients.set(id, { id, birthDate, national, registrations: new Map() });
  addRegistration({ model, connection }, id);
}

function addRegistration({ model, connection: { organisation, teams } }: Asked, patientId: string) {
  const [defaultTeam] = model.organisations.find(({ id }) => id === organisation)!.teams;
  model.patients.get(patientId)!.registrations.set(organisation, {
    shared: 0,
    teams: teams?.length ? teams : [defaultTeam!],
  });
}

function updated(
  { connection }: Asked,
  stored: Stored,
  body: { patient: string | null; label: number | null; identifier: string | null; marker: string },
  ifMatch: number | null,
): Expected {
  const before = current(stored);
  const label = body.label ?? before.label;
  if (stored.organisation !== connection.organisation) return refused(403, 'not-own');
  if (stored.chosen) return refused(403, 'patient-choice');
  if (!coversLabel(connection, label)) return refused(403, 'label-not-covered');
  if (ifMatch !== null && ifMatch !== before.number) return refused(412, 'version-conflict');
  if (stored.type !== 'Patient' && body.patient !== stored.patient) return refused(422, 'patient-fixed');
  const next: Version = {
    number: before.number + 1,
    label,
    marker: body.marker,
    identifier: body.identifier,
  };
  return { status: 200, shown: shown(stored, next), happens: () => void stored.versions.push(next) };
}

function deleted({ model, connection }: Asked, act: Extract<ResolvedAct, { act: 'delete' }>): Expected {
  const stored = find(model, connection, act.type, act.id);
  if (!stored) return NOT_FOUND;
  const own = stored.organisation === connection.organisation;
  // Sent again, a delete has the same answer; what others deleted was never there to be deleted.
  if (isDeleted(stored)) return own ? { status: 204 } : NOT_FOUND;
  if (!own) return refused(403, 'not-own');
  if (stored.chosen) return refused(403, 'patient-choice');
  const before = current(stored);
  if (act.ifMatch !== null && act.ifMatch !== before.number) return refused(412, 'version-conflict');
  if (stored.type === 'Patient') {
    const others = [...model.patients.get(stored.id)!.registrations.keys()].some(
      (id) => id !== connection.organisation,
    );
    const holds = [...model.records.values()].some(
      (one) => one.patient === stored.id && one !== stored && !isDeleted(one),
    );
    if (others || holds) return refused(409, 'patient-in-use');
  }
  return {
    status: 204,
    happens() {
      stored.versions.push({ ...before, number: before.number + 1, marker: null });
      if (stored.type === 'Patient') model.patients.delete(stored.id);
    },
  };
}
