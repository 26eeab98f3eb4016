import { createWorld, type World } from '../../../test/support/world.ts';
import { routeOf } from '../../ids.ts';
import { OPERATIONS } from '../../oauth/scopes.ts';

export const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
export const CHI = 'urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53';
export const OPERATION_SCOPES = OPERATIONS.map((name) => `system/${name}`);

let serial = 0;

/** Another valid number of the 999 test range. */
export function nationalNumber(): string {
  for (;;) {
    const digits = `999${String(++serial).padStart(6, '0')}`;
    const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
    const check = (11 - (sum % 11)) % 11;
    if (check !== 10) return digits + check;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
type Part = any;

/** A world with two organisations, a system with every operation at the first, and what tests of operations repeat. */
export async function operationsWorld() {
  const world: World = await createWorld();
  const here = await world.organisation();
  const there = await world.organisation();
  const access = await world.access(here, { scopes: OPERATION_SCOPES });
  const sql = async (text: string, ...values: unknown[]) =>
    (await world.db.database.owner.query(text, values)).rows;

  return {
    world,
    here,
    there,
    access,
    token: access.token,
    sql,

    /** A patient with a national number, registered with the organisation. */
    async patient(
      organisation: { id: string; teamId?: string } = here,
      { birthDate = '1980-02-03', number = nationalNumber(), system = NHS } = {},
    ) {
      const { id } = await world.patient(organisation, {
        birthDate,
        identifier: [{ system, value: number }],
      });
      await sql(
        'insert into patient_identifier (system, value, route, patient_id) values ($1, $2, $3, $4)',
        ...[system, number, routeOf(id), id],
      );
      return { id, number, birthDate };
    },

    /** Runs an operation with a list of identifiers (national numbers, or as they are given). */
    async ask(
      operation: string,
      identifiers: readonly (string | object)[],
      {
        as = access.token,
        to = here as { id: string },
        flags = {} as Record<string, boolean>,
        headers = {} as Record<string, string>,
      } = {},
    ) {
      const list = operation.startsWith('DocumentReference') ? 'documentIdentifier' : 'patientIdentifier';
      const parameter = [
        ...identifiers.map((one) => ({
          name: list,
          valueIdentifier: typeof one === 'string' ? { system: NHS, value: one } : one,
        })),
        ...Object.entries(flags).map(([name, valueBoolean]) => ({ name, valueBoolean })),
      ];
      const body = { resourceType: 'Parameters', parameter };
      return world.fhir(to, as, `/${operation}`, { method: 'POST', body, headers });
    },
  };
}

export type OperationsWorld = Awaited<ReturnType<typeof operationsWorld>>;

/** Each entry of an answer as `{ part name: its value }`. */
export function entriesOf(json: { parameter: Part[] }, name: string): Record<string, Part>[] {
  return json.parameter
    .filter((entry) => entry.name === name)
    .map(({ part }) =>
      Object.fromEntries(
        part.map((one: Part) => [one.name, one[Object.keys(one).find((key) => key !== 'name') ?? '']]),
      ),
    );
}
