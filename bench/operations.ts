/**
 * Measures the FHIR operations: `node bench/operations.ts`. Lists of identifiers against a bare server that runs one
 * statement for the same list, in turns; registration by the thousand in patients a second. What else the machine does
 * falls on both alike; the processor time of server and database together is the steadier ratio.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { OPERATIONS, permissionsOf } from '../src/oauth/scopes.ts';
import { SYSTEM } from './bench-system.ts';
import { type BenchDatabase, openBenchDatabase } from './database.ts';
import { cpuSeconds, databaseCpuSeconds, startProduct } from './processes.ts';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';

const { values: options } = parseArgs({
  options: {
    patients: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    clients: { type: 'string', default: '4' },
    batches: { type: 'string', default: '12' },
    only: { type: 'string', default: 'lists,register' },
    // An operation and a size, such as receipt-query-500: all when left out.
    list: { type: 'string', default: '' },
    profile: { type: 'boolean', default: false },
  },
});

const database = await openBenchDatabase({ patients: Number(options.patients) });
const undo: (() => unknown)[] = [database.stop];
try {
  await removeRegistered(database);
  const bare = await startBare(database);
  undo.push(bare.stop);
  const product = await startProduct(database, { profile: options.profile });
  undo.push(product.stop);
  const token = await makeToken(database);
  const base = `${product.origin}/organisations/${database.loaded.organisationId}/fhir/R4`;
  const servers = {
    bare: { ...bare, base: bare.origin },
    product: { ...product, base },
  };
  const numbers = await numbersOf(database);
  const letters = await lettersOf(database);

  if (options.only.includes('lists')) await measureLists();
  if (options.only.includes('register')) await measureRegistering(product, base, token);
  async function measureLists() {
    console.log(
      'list                            size   bare/s  product/s  ratio  cpu ratio  bare / product cpu  product p50  p99',
    );
    for (const [operation, list, size] of [
      ['Patient/$status-query', numbers, 500],
      ['Patient/$status-query', numbers, 5000],
      ['DocumentReference/$read-receipt-query', letters, 500],
      ['DocumentReference/$read-receipt-query', letters, 5000],
      ['Patient/$date-of-last-data-point', numbers, 500],
    ] as const) {
      if (options.list && !`${operation}-${size}`.endsWith(options.list)) continue;
      const bodies = Array.from({ length: 20 }, () => listOf(operation, draw(list, size)));
      const measured = { bare: [] as Turn[], product: [] as Turn[] };
      for (let round = 0; round < Number(options.rounds); round++) {
        for (const side of ['bare', 'product'] as const) {
          measured[side].push(await turn(servers[side], operation, bodies, token));
        }
      }
      report(operation, size, measured);
    }
  }
} finally {
  for (const step of undo.slice(1).reverse()) await step();
  await removeRegistered(database);
  await database.stop();
}

type Server = { origin: string; pid: number; base: string };
type Turn = { rate: number; cpuMs: number; times: number[] };

async function turn(
  server: Server,
  operation: string,
  bodies: readonly string[],
  token: string,
): Promise<Turn> {
  const ends = performance.now() + Number(options.seconds) * 1000;
  const before = cpuOf(server.pid);
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: Number(options.clients) }, async () => {
      while (performance.now() < ends) {
        const began = performance.now();
        await post(`${server.base}/${operation}`, bodies[times.length % bodies.length]!, token);
        times.push(performance.now() - began);
      }
    }),
  );
  const cpuMs = (cpuSince(before, server.pid) * 1000) / times.length;
  return { rate: times.length / Number(options.seconds), cpuMs, times };
}

async function post(
  url: string,
  body: string,
  token: string,
  type = 'application/fhir+json',
): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text.slice(0, 300)}`);
  return text;
}

/** The median of the rounds' ratios: a round in which others took the machine counts no more than another. */
function report(operation: string, size: number, { bare, product }: { bare: Turn[]; product: Turn[] }): void {
  const ratio = median(product.map(({ rate }, at) => rate / bare[at]!.rate));
  const cpu = median(product.map(({ cpuMs }, at) => bare[at]!.cpuMs / cpuMs));
  const times = product.flatMap((one) => one.times).sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1);
  const cells = [
    operation.replace(/^.*\//, '').padEnd(30),
    String(size).padStart(6),
    median(bare.map(({ rate }) => rate))
      .toFixed(1)
      .padStart(8),
    median(product.map(({ rate }) => rate))
      .toFixed(1)
      .padStart(10),
    ratio.toFixed(2).padStart(6),
    cpu.toFixed(2).padStart(10),
    `${median(bare.map(({ cpuMs }) => cpuMs)).toFixed(1)} / ${median(product.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms`.padStart(
      18,
    ),
    `${at(0.5)} ms`.padStart(12),
    `${at(0.99)} ms`,
  ];
  console.log(cells.join(' '));
}

/** New patients, two requests of 5,000 at a time; then the same again, of which nothing is new. */
async function measureRegistering(product: { pid: number }, base: string, token: string): Promise<void> {
  const batches = Array.from({ length: Number(options.batches) }, (_, batch) =>
    Array.from({ length: 5000 }, (_, n) => JSON.stringify(patient(batch * 5000 + n))).join('\n'),
  );
  for (const what of ['new', 'known, unchanged']) {
    const waiting = [...batches];
    const before = cpuOf(product.pid);
    const began = performance.now();
    await Promise.all(
      [1, 2].map(async () => {
        for (let body = waiting.pop(); body; body = waiting.pop()) {
          await post(`${base}/Patient/$register`, body, token, 'application/fhir+ndjson');
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const rows = batches.length * 5000;
    const micros = (cpuSince(before, product.pid) * 1e6) / rows;
    console.log(
      `$register, ${what}: ${Math.round(rows / seconds)} patients/s; ` +
        `${micros.toFixed(0)} µs of processor time each, so ${Math.round(2e6 / micros)}/s on two cores with nothing else on them`,
    );
  }
}

function patient(n: number) {
  const random = () => Math.floor(Math.random() * 1e6).toString(36);
  return {
    resourceType: 'Patient',
    identifier: [{ system: NHS, value: nhsNumber(600_000_000 + n) }],
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

function listOf(operation: string, identifiers: readonly object[]): string {
  const name = operation.startsWith('Document') ? 'documentIdentifier' : 'patientIdentifier';
  const parameter = identifiers.map((valueIdentifier) => ({ name, valueIdentifier }));
  return JSON.stringify({ resourceType: 'Parameters', parameter });
}

function draw<T>(from: readonly T[], size: number): T[] {
  return Array.from({ length: size }, () => from[Math.floor(Math.random() * from.length)]!);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Processor seconds of a server and of each process of the database. */
function cpuOf(pid: number): Map<number, number> {
  return new Map(databaseCpuSeconds(database.postmasterPid!)).set(pid, cpuSeconds(pid) ?? Number.NaN);
}

/** Since `before`, process by process: what one that ended had used must not be taken off the others. */
function cpuSince(before: ReadonlyMap<number, number>, pid: number): number {
  return [...cpuOf(pid)].reduce((sum, [one, seconds]) => sum + seconds - (before.get(one) ?? 0), 0);
}

async function numbersOf({ pool }: BenchDatabase) {
  const { rows } = await pool.query<{ system: string; value: string }>(
    'select system, value from patient_identifier limit 20000',
  );
  return rows;
}

async function lettersOf({ pool, loaded }: BenchDatabase) {
  const { rows } = await pool.query<{ system: string; value: string }>(
    'select system, value from letter_identifier where organisation_id = $1 limit 20000',
    [loaded.organisationId],
  );
  const some = Array.from({ length: 5000 }, (_, n) => ({ system: 'urn:none', value: `none-${n}` }));
  return rows.length > 0 ? rows : some;
}

/** The measuring system gets every operation, and a token that lasts as long as this does. */
async function makeToken({ pool }: BenchDatabase): Promise<string> {
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
async function removeRegistered({ pool }: BenchDatabase): Promise<void> {
  await pool.query(
    `create temp table made as
       select route, patient_id from patient_identifier where system = '${NHS}' and value !~ '^999'`,
  );
  for (const table of ['resource', 'registration', 'patient_identifier']) {
    await pool.query(
      `delete from ${table} t using made m where t.route = m.route and t.patient_id = m.patient_id`,
    );
  }
  await pool.query('delete from patient t using made m where t.route = m.route and t.id = m.patient_id');
  await pool.query('drop table made');
}

async function startBare({ url, loaded }: BenchDatabase) {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'operations-bare.ts')], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, ORGANISATION_ID: loaded.organisationId },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as Readable });
  const [origin] = (await once(lines, 'line')) as [string];
  return {
    origin,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
