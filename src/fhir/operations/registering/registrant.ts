import { Refusal } from '../../http/refusal.ts';
import type { RefusalCode } from '../../http/refusal-codes.ts';
import { identityOf } from '../../incoming/identity.ts';
import { ownLabel } from '../../incoming/own-label.ts';
import { relativeReferences } from '../../incoming/references.ts';
import type { Room } from '../../room.ts';
import type { JsonObject } from '../../store/content.ts';
import { GENERAL_HEALTH } from '../../store/labels.ts';
import type { Identity } from '../../store/write.ts';
import { validateResource } from '../../validation/validate-resource.ts';
import { isDate, isPlainPatient } from './plain-patient.ts';

/** A patient that was sent to be registered, checked and taken apart. */
export type Registrant = {
  resource: JsonObject;
  printed: JsonObject;
  identity: Identity & { birthDate: string };
  label: number;
  teams: string[];
  email: string | undefined;
};

/** One resource as it came. `printed` gives it with the decimals that were sent; it is asked for only where there may be any. */
export type Sent = { resource: unknown; printed: () => unknown };

/** The organisation's name for, or id of, one of its teams (repeated); an instruction, which is not stored. */
export const TEAM_ALIAS = 'http://fhir.patientsknowbest.com/structuredefinition/team-alias';

const TEAMS_MAX = 20;

/**
 * Checks one patient that is to be registered: valid, with a national identifier, a full date of birth, names and gender.
 * @param bases the addresses of our own, under which references are made relative
 * @throws {Refusal} that depends on what was sent alone
 */
export function registrantOf(
  { definitions }: Pick<Room, 'definitions'>,
  sent: Sent,
  bases: readonly string[],
): Registrant {
  let resource = sent.resource as JsonObject;
  let printed = resource;
  if (!isPlainPatient(resource)) {
    printed = sent.printed() as JsonObject;
    relativeReferences(resource, bases);
    if (printed !== resource) relativeReferences(printed, bases);
    const issues = validateResource(definitions, resource, 'Patient');
    if (issues.length > 0) throw new Refusal('resource-invalid', { issues });
  }
  const teams = teamsOf(resource);
  if (teams.length > 0) {
    const same = printed === resource;
    resource = withoutTeams(resource);
    printed = same ? resource : withoutTeams(printed);
  }
  const identity = identityOf(resource);
  if (identity.identifiers.length === 0) throw new Refusal('national-identifier-needed');
  const { birthDate } = identity;
  if (!isDate(birthDate)) throw invalid('Patient.birthDate', 'There is no such day');
  const named = ((resource.name ?? []) as JsonObject[]).some(
    ({ family, given }) => family !== undefined && given !== undefined,
  );
  if (!named || resource.gender === undefined) {
    throw needed(named ? 'Patient.gender' : 'Patient.name');
  }
  return {
    resource,
    printed,
    identity: { ...identity, birthDate },
    label: ownLabel(resource) ?? GENERAL_HEALTH,
    teams,
    email: emailOf(resource),
  };
}

function teamsOf({ extension }: JsonObject): string[] {
  if (extension === undefined) return [];
  const aliases = (extension as JsonObject[]).filter(({ url }) => url === TEAM_ALIAS);
  if (aliases.length > TEAMS_MAX) throw invalid('Patient.extension', `More than ${TEAMS_MAX} teams`);
  return aliases.map(({ valueString }) => {
    if (typeof valueString !== 'string') throw invalid('Patient.extension', 'A team is named by valueString');
    return valueString;
  });
}

function withoutTeams({ extension, ...rest }: JsonObject): JsonObject {
  const others = (extension as JsonObject[]).filter(({ url }) => url !== TEAM_ALIAS);
  return others.length > 0 ? { ...rest, extension: others } : rest;
}

/** The one e-mail address that is looked at: the first that is in use. */
export function emailOf({ telecom }: JsonObject): string | undefined {
  const points = (telecom ?? []) as JsonObject[];
  const email = points.find(({ system, use, value }) => system === 'email' && use !== 'old' && value);
  return email?.value as string | undefined;
}

const invalid = (expression: string, diagnostics: string) =>
  new Refusal('resource-invalid', { issues: [{ code: 'value', diagnostics, expression }] });

const needed = (expression: string) =>
  new Refusal('demographics-needed' satisfies RefusalCode, {
    issues: [{ code: 'required', diagnostics: 'Needed to register a patient', expression }],
  });
