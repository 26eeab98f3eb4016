import type { Status, Type } from './world-spec.ts';

/**
 * The world in memory, and the rules of who may know what, written down from the design and from docs/errors.md in
 * the plainest way there is: lists that are looked through. It shares no code with the service.
 */
export type Model = {
  organisations: { id: string; odsCode: string; teams: string[] }[];
  systems: { clientId: string; live: boolean; scopes: string[] }[];
  /** The oldest first. */
  connections: Connection[];
  tokens: Token[];
  patients: Map<string, Patient>;
  records: Map<string, Stored>;
};

export type Connection = {
  id: string;
  organisation: string;
  clientId: string;
  status: Status;
  ended: boolean;
  scopes: string[];
  labels: number;
  teams: string[] | null;
};

type Token = {
  secret: string;
  clientId: string;
  scopes: string[];
  boundTo: string | null;
  live: boolean;
};

export type Patient = {
  id: string;
  birthDate: string;
  national: string | null;
  registrations: Map<string, { shared: number; teams: string[] }>;
};

/** A resource with all its versions, the newest last; a version without a marker says that it was deleted. */
export type Stored = {
  id: string;
  type: Type;
  patient: string | null;
  organisation: string;
  /** A patient's choice about the organisation, which no other learns of and no system changes. */
  chosen?: boolean;
  versions: Version[];
};

export type Version = { number: number; label: number; marker: string | null; identifier: string | null };

export const current = (stored: Stored): Version => stored.versions.at(-1)!;
export const isDeleted = (stored: Stored): boolean => current(stored).marker === null;

/** Whose request may be answered: the connection that it is answered under, or why not. */
export type Decision = { connection: Connection } | { refused: string };

export function decide(
  model: Model,
  secret: string | null,
  organisation: string | null | undefined,
  needs: { type: Type; letter: string }[],
): Decision {
  if (secret === null) return { refused: 'token-missing' };
  const token = model.tokens.find((one) => one.secret === secret);
  if (!token?.live) return { refused: 'token-invalid' };
  const system = model.systems.find(({ clientId }) => clientId === token.clientId)!;
  if (!system.live) return { refused: 'system-not-live' };
  if (organisation === undefined) return { refused: 'organisation-missing' };
  if (token.boundTo !== null && token.boundTo !== organisation) return { refused: 'organisation-mismatch' };
  const connection = model.connections.findLast(
    (one) => one.organisation === organisation && one.clientId === token.clientId,
  );
  if (!connection) return { refused: 'connection-none' };
  if (connection.ended && connection.status !== 'revoked') return { refused: 'connection-expired' };
  if (connection.status !== 'active') return { refused: `connection-${connection.status}` };
  const given = [token.scopes, connection.scopes, system.scopes];
  const covered = needs.every((need) => given.every((scopes) => covers(scopes, need)));
  return covered ? { connection } : { refused: 'scope-insufficient' };
}

function covers(scopes: string[], { type, letter }: { type: Type; letter: string }): boolean {
  return scopes.some((scope) => {
    const [of, letters] = scope.replace('system/', '').split('.') as [string, string];
    return (of === '*' || of === type) && letters.includes(letter);
  });
}

export const coversLabel = ({ labels }: Connection, label: number): boolean =>
  Math.floor(labels / 2 ** label) % 2 === 1;

/** The patient's registration with the connection's organisation, if it is one for the connection's teams. */
export function registrationFor(model: Model, connection: Connection, patientId: string) {
  const registration = model.patients.get(patientId)?.registrations.get(connection.organisation);
  if (!registration) return undefined;
  const { teams } = connection;
  return teams === null || teams.some((team) => registration.teams.includes(team)) ? registration : undefined;
}

/** Whether one version of a resource is within the purview that the connection gives. */
export function maySee(model: Model, connection: Connection, stored: Stored, { label }: Version): boolean {
  if (!coversLabel(connection, label)) return false;
  const own = stored.organisation === connection.organisation;
  if (stored.patient === null) return own;
  const registration = registrationFor(model, connection, stored.patient);
  if (!registration) return false;
  // Demographics are everybody's who has the patient.
  if (stored.chosen) return own;
  return own || stored.type === 'Patient' || Math.floor(registration.shared / 2 ** label) % 2 === 1;
}

/** What there is at an address, as far as the connection may know. */
export function find(model: Model, connection: Connection, type: Type, id: string): Stored | undefined {
  const stored = model.records.get(id);
  if (stored?.type !== type || !maySee(model, connection, stored, current(stored))) return undefined;
  return stored;
}

/** All that is there and may be known. */
export function visible(model: Model, connection: Connection, type: Type): Stored[] {
  return [...model.records.values()].filter(
    (stored) =>
      stored.type === type && !isDeleted(stored) && maySee(model, connection, stored, current(stored)),
  );
}
