import { newResourceId } from '../../src/ids.ts';
import { current, type Model } from './model.ts';
import { nextMarker, nextNhsNumber } from './numbers.ts';
import type { Body, Request, ResolvedAct } from './request.ts';
import type { Act, Base, IfMatch, Sent, Step, Target, Who } from './step-spec.ts';
import type { Type } from './world-spec.ts';

/** A new id that nobody has, beside ids that exist. */
const strangerId = (model: Model) =>
  newResourceId([...model.patients.keys()][0] ?? model.organisations[0]!.id);

export const at = <T>(list: readonly T[], place: number): T => list[place % list.length]!;
/** One of the list, or, as the last choice, undefined. */
const atOrNone = <T>(list: readonly T[], place: number): T | undefined => list[place % (list.length + 1)];

/** What a step's request is in the world as it has become. */
export function resolve(model: Model, { who, base, act }: Extract<Step, { kind: 'request' }>): Request {
  const { secret, organisation } = callerOf(model, who);
  return { secret, ...named(model, organisation, base), act: resolveAct(model, act, organisation?.id ?? '') };
}

function callerOf(model: Model, who: Who) {
  if (who.by === 'nobody') {
    const secret = who.token === 'none' ? null : 'A'.repeat(43);
    return { secret, organisation: atOrNone(model.organisations, who.organisation) };
  }
  if (who.by === 'token') {
    const { secret } = at(model.tokens, who.token);
    return { secret, organisation: atOrNone(model.organisations, who.organisation) };
  }
  // Mostly a connection that stands and a token that is good for it: else little would be allowed.
  const standing = model.connections.filter(({ status, ended }) => status === 'active' && !ended);
  const choice = who.connection % 8 === 0 || standing.length === 0 ? model.connections : standing;
  const connection = at(choice, who.connection);
  const its = model.tokens.filter(({ clientId }) => clientId === connection.clientId);
  const good = its.filter(
    ({ live, boundTo }) => live && (boundTo ?? connection.organisation) === connection.organisation,
  );
  const tokens = [good, its, model.tokens].find(({ length }) => length > 0)!;
  return {
    secret: at(tokens, who.token).secret,
    organisation: model.organisations.find(({ id }) => id === connection.organisation),
  };
}

function named(model: Model, organisation: Model['organisations'][number] | undefined, base: Base) {
  const inHeader = base.startsWith('header');
  if (base === 'header-none') return { named: undefined, inHeader, organisation: undefined };
  const stranger = { id: strangerId(model), odsCode: 'ZZZ99999' };
  const { id, odsCode } = organisation ?? stranger;
  const name = {
    id,
    'id-upper': id.toUpperCase(),
    ods: odsCode,
    'ods-lower': odsCode.toLowerCase(),
    'header-id': id,
    'header-ods': odsCode,
  }[base];
  return { named: name, inHeader, organisation: organisation?.id ?? null };
}

function resolveAct(model: Model, act: Act, organisation: string): ResolvedAct {
  switch (act.act) {
    case 'read':
    case 'history':
      return { act: act.act, ...aim(model, act.target, organisation) };
    case 'vread':
      return { act: 'vread', ...aim(model, act.target, organisation), version: act.version };
    case 'delete': {
      const { type, id } = aim(model, act.target, organisation);
      return { act: 'delete', type, id, ifMatch: versionFor(model, id, act.ifMatch) };
    }
    case 'update': {
      const { type, id } = aim(model, act.target, organisation);
      const body = bodyOf(model, type, act.sent, organisation);
      const stored = model.records.get(id);
      // Mostly the patient stays the same: another is refused.
      if (stored && type !== 'Location' && (act.sent.patient ?? 1) % 4 !== 0) body.patient = stored.patient;
      if (type === 'Patient') Object.assign(body, identityOf(model, id));
      return { act: 'update', type, id, body, ifMatch: versionFor(model, id, act.ifMatch) };
    }
    case 'search': {
      const { type, page } = act;
      const about = isAbout(type);
      return {
        act: 'search',
        type,
        page,
        patient: about && act.patient !== null ? patientAt(model, act.patient, organisation) : null,
        ids:
          act.ids === null
            ? null
            : act.ids.map((place) => aim(model, { at: place, as: null }, organisation).id),
        identifier: act.identifier === null ? null : identifierAt(act.identifier),
      };
    }
    case 'create':
      return { act: 'create', type: act.type, body: bodyOf(model, act.type, act.sent, organisation) };
    case 'create-once':
    case 'update-conditional': {
      const body = bodyOf(model, act.type, act.sent, organisation);
      return {
        act: act.act,
        type: act.type,
        body: { ...body, identifier: body.identifier ?? identifierAt(0) },
      };
    }
    case 'register': {
      const numbers = [...model.patients.values()].flatMap(({ national }) => national ?? []);
      const national = atOrNone(numbers, act.patient) ?? nextNhsNumber();
      const { birthDate, label } = act;
      return { act: 'register', type: 'Patient', national, birthDate, label, marker: nextMarker() };
    }
  }
}

/** Mostly at something that the organisation has to do with, else little would be found. */
function aim(model: Model, target: Target, organisation: string): { type: Type; id: string } {
  const all = [...model.records.values()];
  const near = all.filter((stored) =>
    stored.patient === null
      ? stored.organisation === organisation
      : model.patients.get(stored.patient)?.registrations.has(organisation),
  );
  const stored = target.at % 4 !== 0 && near.length > 0 ? at(near, target.at) : atOrNone(all, target.at);
  const type = target.as ?? stored?.type ?? 'Observation';
  return { type, id: stored?.id ?? strangerId(model) };
}

const isAbout = (type: Type) => type !== 'Patient' && type !== 'Location';

const identifierAt = (number: number) => `number-${number}`;

function patientAt(model: Model, place: number, organisation: string): string {
  const near = [...model.patients.values()].filter(({ registrations }) => registrations.has(organisation));
  if (place % 4 !== 0 && near.length > 0) return at(near, place).id;
  return atOrNone([...model.patients.keys()], place) ?? strangerId(model);
}

function bodyOf(model: Model, type: Type, { patient, label, identifier }: Sent, organisation: string): Body {
  return {
    patient: isAbout(type) && patient !== null ? patientAt(model, patient, organisation) : null,
    label,
    identifier: identifier === null ? null : identifierAt(identifier),
    marker: nextMarker(),
  };
}

/** A Patient keeps the number that others may know it by, and then has no other: that is tested elsewhere. */
function identityOf(model: Model, id: string): Partial<Body> {
  const patient = model.patients.get(id);
  if (!patient) return {};
  const { national, birthDate } = patient;
  return national === null ? { birthDate } : { national, birthDate, identifier: null };
}

function versionFor(model: Model, id: string, ifMatch: IfMatch): number | null {
  const stored = model.records.get(id);
  if (ifMatch === 'none' || !stored) return null;
  const { number } = current(stored);
  return ifMatch === 'current' ? number : number + 1;
}
