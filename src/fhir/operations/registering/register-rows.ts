import { setImmediate as turn } from 'node:timers/promises';
import { newRootId, pooledRandom, type RandomBytes } from '../../../ids.ts';
import { parseJson } from '../../http/body.ts';
import { Refusal } from '../../http/refusal.ts';
import type { RefusalCode } from '../../http/refusal-codes.ts';
import type { Room } from '../../room.ts';
import type { JsonObject } from '../../store/content.ts';
import { SOURCE_ORGANISATION_SYSTEM } from '../../store/labels.ts';
import type { DecisionRow } from '../../store/purview.ts';
import type { Query } from '../../store/query.ts';
import { validateResource } from '../../validation/validate-resource.ts';
import { mergePatient } from './merge-patient.ts';
import { isPlainPatient } from './plain-patient.ts';
import {
  countWrongDates,
  type Decider,
  type Known,
  type RegisterRow,
  registerPatients,
  type Update,
  updatePatients,
} from './register-store.ts';
import { type Registrant, registrantOf, type Sent } from './registrant.ts';

/** What came of one row. */
export type Result = {
  /** 'created', 'linked', 'updated', 'unchanged' or a refusal code. */
  outcome: string;
  patientId: string | null;
  sent: Registrant | undefined;
  refusal?: Refusal;
};

/** A row that was checked, or the refusal that it came to. */
export type Checked = Registrant | Refusal;

/** Checks rows, giving others their turn in between: one that needs full validation takes some tenths of a millisecond. */
export async function checkRows(
  room: Pick<Room, 'definitions'>,
  rows: readonly (Sent | Refusal)[],
  bases: readonly string[],
): Promise<Checked[]> {
  const checked: Checked[] = [];
  let since = performance.now();
  for (const row of rows) {
    checked.push(row instanceof Refusal ? row : checkedRow(room, row, bases));
    if (performance.now() - since > 10) {
      await turn();
      since = performance.now();
    }
  }
  return checked;
}

function checkedRow(room: Pick<Room, 'definitions'>, row: Sent, bases: readonly string[]): Checked {
  try {
    return registrantOf(room, row, bases);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

export type Registration = { decision: DecisionRow; results: Result[] };

/**
 * Registers rows in the transaction of `query`, each whole or not at all, as if they had been sent one after another.
 * Two statements do it, however many rows there are: one that creates, links and finds, one that brings up to date what
 * was found and differs. `results` is empty when the decision went against it.
 * @param organisationId the organisation decided for, as the caller's name for it was looked up
 * @throws with code 40001 when another's work came in between: the transaction is to be begun again.
 */
export async function registerRows(
  room: Pick<Room, 'definitions' | 'buildRow'>,
  query: Query,
  decider: Decider,
  organisationId: string,
  checked: readonly Checked[],
): Promise<Registration> {
  const places: number[] = [];
  const rows: RegisterRow[] = [];
  const random = pooledRandom(checked.length * 16);
  for (const [at, one] of checked.entries()) {
    if (one instanceof Refusal) continue;
    places.push(at);
    rows.push(rowOf(room, one, organisationId, random));
  }
  const { created, others, ...decision } = await registerPatients(query, decider, rows);
  if (decision.outcome !== 'allowed') return { decision, results: [] };
  if (decision.organisation_id !== organisationId) throw begunAgain('the organisation has another id by now');

  const results: Result[] = checked.map((one) =>
    one instanceof Refusal
      ? { outcome: one.code, patientId: null, sent: undefined, refusal: one }
      : { outcome: 'created', patientId: null, sent: one },
  );
  for (const n of created ?? []) results[places[n - 1]!]!.patientId = rows[n - 1]!.row.id;
  const updates = settleKnown(room, results, places, others ?? []);
  if (updates.length > 0) {
    const updated = await updatePatients(query, decider, updates);
    if (updated.outcome !== 'allowed') return { decision: updated, results: [] };
    if (updated.changed !== updates.length) throw begunAgain('a patient was changed meanwhile');
  }
  return { decision, results };
}

/** What registering would come to, with nothing done: only the wrong dates of birth are remembered. */
export async function tryRows(
  room: Pick<Room, 'definitions' | 'buildRow'>,
  query: Query,
  decider: Decider,
  organisationId: string,
  checked: readonly Checked[],
): Promise<Registration> {
  await query('register-try', 'savepoint dry_run', []);
  const registration = await registerRows(room, query, decider, organisationId, checked);
  await query('register-undo', 'rollback to savepoint dry_run', []);
  if (registration.decision.outcome !== 'allowed') return registration;
  const wrong = registration.results.flatMap(({ outcome, sent }) =>
    sent && outcome === 'birth-date-mismatch' ? [rowOf(room, sent, organisationId)] : [],
  );
  if (wrong.length > 0) await countWrongDates(query, decider, wrong);
  // Who was not linked has no id yet that this caller may know.
  const results = registration.results.map((result) =>
    result.outcome === 'created' || result.outcome === 'linked' ? { ...result, patientId: null } : result,
  );
  return { ...registration, results };
}

function rowOf(
  room: Pick<Room, 'buildRow'>,
  registrant: Registrant,
  organisationId: string,
  random?: RandomBytes,
): RegisterRow {
  const { resource, printed, identity, label, teams } = registrant;
  const id = newRootId(random);
  // Whatever becomes of it, stored as it is it is the first version; only the time is put in by the statement.
  const row = room.buildRow({ resource, printed, id, organisationId, patientId: id, version: 1, label });
  return { row, identity, label, teams };
}

type Patient = { id: string; version: number; resource: JsonObject; printed: JsonObject; changed: boolean };

/** Says what came of the rows whose patients were known, in order, and what is to be written for it. */
function settleKnown(
  room: Pick<Room, 'definitions' | 'buildRow'>,
  results: Result[],
  places: readonly number[],
  others: readonly Known[],
): Update[] {
  const patients = new Map<string, Patient>();
  for (const { n, outcome, patientId, version, content, teamAdded } of [...others].sort(
    (a, b) => a.n - b.n,
  )) {
    const result = results[places[n - 1]!]!;
    if (patientId === null) {
      refuse(result, new Refusal(outcome as RefusalCode));
      continue;
    }
    result.patientId = patientId;
    if (!patients.has(patientId) && content !== null && version !== null) {
      const { resource, printed } = parseJson(content) as { resource: JsonObject; printed: JsonObject };
      patients.set(patientId, { id: patientId, version, resource, printed, changed: false });
    }
    const patient = patients.get(patientId);
    const merged = patient && bringUpToDate(room, patient, result.sent!);
    if (merged instanceof Refusal && outcome !== 'linked') refuse(result, merged);
    else result.outcome = outcome === 'linked' ? 'linked' : merged || teamAdded ? 'updated' : 'unchanged';
  }
  return [...patients.values()].filter(({ changed }) => changed).map((patient) => updateOf(room, patient));
}

function refuse(result: Result, refusal: Refusal): void {
  result.outcome = refusal.code;
  result.refusal = refusal;
}

/** Whether it changes what is known; a refusal when the two, each valid by itself, are not so together. */
function bringUpToDate(
  { definitions }: Pick<Room, 'definitions'>,
  patient: Patient,
  sent: Registrant,
): boolean | Refusal {
  const merged = mergePatient(patient.resource, sent.resource);
  if (!merged) return false;
  const { meta: _meta, ...data } = merged;
  const issues = isPlainPatient(data) ? [] : validateResource(definitions, merged, 'Patient');
  if (issues.length > 0) return new Refusal('resource-invalid', { issues });
  const asPrinted = patient.printed !== patient.resource || sent.printed !== sent.resource;
  patient.printed = asPrinted ? (mergePatient(patient.printed, sent.printed) ?? patient.printed) : merged;
  patient.resource = merged;
  patient.changed = true;
  return true;
}

function updateOf(room: Pick<Room, 'buildRow'>, { id, version, resource, printed }: Patient): Update {
  // Whoever wrote it first stays its owner.
  const security = ((resource.meta as JsonObject | undefined)?.security ?? []) as JsonObject[];
  const owner = security.find(({ system }) => system === SOURCE_ORGANISATION_SYSTEM)?.code as string;
  const row = room.buildRow({ resource, printed, id, organisationId: owner, patientId: id });
  return { row, version, deceased: isDeceased(resource) };
}

const isDeceased = ({ deceasedBoolean, deceasedDateTime }: JsonObject): boolean =>
  deceasedBoolean === true || deceasedDateTime !== undefined;

const begunAgain = (message: string) => Object.assign(new Error(message), { code: '40001' });
