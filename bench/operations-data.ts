import { createHash, randomBytes } from 'node:crypto';
import { NHS_NUMBER_SYSTEM } from '../src/demo/nhs-number.ts';
import { OPERATIONS, permissionsOf } from '../src/oauth/scopes.ts';
import { SYSTEM } from './bench-system.ts';
import type { BenchDatabase } from './database.ts';

export type Identifier = { system: string; value: string };

/** One that nobody knows yet, for each number. */
export function patient(n: number) {
  const random = () => Math.floor(Math.random() * 1e6).toString(36);
  return {
    resourceType: 'Patient',
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber(600_000_000 + n) }],
    name: [{ use: 'official', family: `Family${random()}`, given: [`Given${random()}`, 'Kim'] }],
    telecom: [{ system: 'phone', use: 'mobile', value: '07700 900123' }],
    gender: n % 2 ? 'female' : 'male',
    birthDate: new Date(Date.UTC(1930, 0, 1 + (n % 25_000))).toISOString().slice(0, 10),
    address: [{ use: 'home', line: [`${n} High Street`], city: 'Townley', postalCode: 'AB1 2CD' }],
  };
}

/** A number outside of the 999 range, in which the demo's are. */
function nhsNumber(nine: number): string {
  const sum = [...String(nine)].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? nhsNumber(nine + 100_000_000) : `${nine}${check}`;
}

/** The Parameters of an operation that takes a list of identifiers. */
export function listOf(operation: string, identifiers: readonly object[]): string {
  const name = operation.startsWith('Document') ? 'documentIdentifier' : 'patientIdentifier';
  const parameter = identifiers.map((valueIdentifier) => ({ name, valueIdentifier }));
  return JSON.stringify({ resourceType: 'Parameters', parameter });
}

export async function numbersOf({ pool }: BenchDatabase) {
  const { rows } = await pool.query<{ system: string; value: string }>(
    'select system, value from patient_identifier limit 20000',
  );
  return rows;
}

export async function lettersOf({ pool, loaded }: BenchDatabase) {
  const { rows } = await pool.query<{ system: string; value: string }>(
    'select system, value from letter_identifier where organisation_id = $1 limit 20000',
    [loaded.organisationId],
  );
  const some = Array.from({ length: 5000 }, (_, n) => ({ system: 'urn:none', value: `none-${n}` }));
  return rows.length > 0 ? rows : some;
}

/** The measuring system gets every operation, and a token that lasts as long as this does. */
export async function makeToken({ pool }: BenchDatabase): Promise<string> {
  const scopes = [...SYSTEM.scopes, ...OPERATIONS.map((name) => `system/${name}`)];
  const permissions = permissionsOf(scopes);
  for (const table of ['system', 'connection']) {
    await pool.query(`update ${table} set permissions = $2 where client_id = $1`, [
      SYSTEM.clientId,
      permissions,
    ]);
  }
  const token = randomBytes(32).toString('base64url');
  await pool.query(
    `insert into access_token (token_hash, client_id, scopes, permissions, issued_at, expires_at)
     values ($1, $2, $3, $4, now(), now() + interval '1 hour')`,
    [createHash('sha256').update(token).digest(), SYSTEM.clientId, scopes, permissions],
  );
  return token;
}

/** Leaves the data as it was loaded, for whoever measures next. */
export async function removeRegistered({ pool, loaded }: BenchDatabase): Promise<void> {
  await pool.query('delete from invitation where created_at > $1', [loaded.at]);
  await pool.query(
    `create temp table made as
       select route, patient_id from patient_identifier where system = '${NHS_NUMBER_SYSTEM}' and value !~ '^999'`,
  );
  for (const table of ['resource', 'registration', 'patient_identifier']) {
    await pool.query(
      `delete from ${table} t using made m where t.route = m.route and t.patient_id = m.patient_id`,
    );
  }
  await pool.query('delete from patient t using made m where t.route = m.route and t.id = m.patient_id');
  await pool.query('drop table made');
}
