/**
 * Measures the FHIR operations: `node bench/operations.ts`. Each against a bare server that runs one statement for the
 * same request, in turns; registration by the thousand in patients a second, too. What else the machine does falls on both
 * alike; the processor time of server and database together is the steadier ratio.
 */
import { parseArgs } from 'node:util';
import { openBenchDatabase } from './database.ts';
import {
  type Identifier,
  lettersOf,
  listOf,
  makeToken,
  numbersOf,
  patient,
  removeRegistered,
} from './operations-data.ts';
import { cpuOf, cpuSince, post, report, startBare, type Turn, turn } from './operations-load.ts';
import { startProduct } from './processes.ts';

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
const NDJSON = 'application/fhir+ndjson';
/** Patients that were thought up so far: each is new. */
let made = 0;

const database = await openBenchDatabase({ patients: Number(options.patients) });
const load = {
  seconds: Number(options.seconds),
  clients: Number(options.clients),
  postmasterPid: database.postmasterPid!,
};
const undo: (() => unknown)[] = [database.stop];
try {
  await removeRegistered(database);
  const bare = await startBare(database);
  undo.push(bare.stop);
  const product = await startProduct(database, { profile: options.profile });
  undo.push(product.stop);
  const token = await makeToken(database);
  const base = `${product.origin}/organisations/${database.loaded.organisationId}/fhir/R4`;
  const servers = { bare: { pid: bare.pid, base: bare.origin }, product: { pid: product.pid, base } };
  const numbers = await numbersOf(database);
  const letters = await lettersOf(database);

  if (options.only.includes('lists')) await measureOperations();
  if (options.only.includes('register')) await measureRegistering();

  async function measureOperations() {
    console.log(
      'operation                       size   bare/s  product/s  ratio  cpu ratio  bare / product cpu  product p50  p99',
    );
    const operations: [operation: string, size: number, body: () => string, type?: string][] = [
      ['Patient/$status-query', 500, lists('Patient', numbers, 500)],
      ['Patient/$status-query', 5000, lists('Patient', numbers, 5000)],
      ['DocumentReference/$read-receipt-query', 500, lists('DocumentReference', letters, 500)],
      ['DocumentReference/$read-receipt-query', 5000, lists('DocumentReference', letters, 5000)],
      ['Patient/$date-of-last-data-point', 500, lists('Patient', numbers, 500)],
      ['Organization/$generate-invitation-tokens', 500, lists('Patient', numbers, 500)],
      ['Patient/$process-message', 1, () => newPatients(1)],
      ['Patient/$register', 500, () => newPatients(500), NDJSON],
    ];
    for (const [operation, size, body, type] of operations) {
      if (options.list && !`${operation}-${size}`.endsWith(options.list)) continue;
      const measured = { bare: [] as Turn[], product: [] as Turn[] };
      for (let round = 0; round < Number(options.rounds); round++) {
        for (const side of ['bare', 'product'] as const) {
          measured[side].push(await turn(servers[side], { operation, body, type }, token, load));
        }
      }
      report(operation, size, measured);
    }
  }

  /** New patients, two requests of 5,000 at a time; then the same again, of which nothing is new. */
  async function measureRegistering(): Promise<void> {
    const batches = Array.from({ length: Number(options.batches) }, () => newPatients(5000));
    for (const what of ['new', 'known, unchanged']) {
      const waiting = [...batches];
      const before = cpuOf(product.pid, load.postmasterPid);
      const began = performance.now();
      await Promise.all(
        [1, 2].map(async () => {
          for (let body = waiting.pop(); body; body = waiting.pop()) {
            await post(`${base}/Patient/$register`, body, token, NDJSON);
          }
        }),
      );
      const seconds = (performance.now() - began) / 1000;
      const rows = batches.length * 5000;
      const micros = (cpuSince(before, product.pid, load.postmasterPid) * 1e6) / rows;
      console.log(
        `$register, ${what}: ${Math.round(rows / seconds)} patients/s; ` +
          `${micros.toFixed(0)} µs of processor time each, so ${Math.round(2e6 / micros)}/s on two cores with nothing else on them`,
      );
    }
  }
} finally {
  for (const step of undo.slice(1).reverse()) await step();
  await removeRegistered(database);
  await database.stop();
}

/** One of twenty lists each time, drawn at random. */
function lists(about: string, from: readonly Identifier[], size: number): () => string {
  const draw = () => Array.from({ length: size }, () => from[Math.floor(Math.random() * from.length)]!);
  const bodies = Array.from({ length: 20 }, () => listOf(about, draw()));
  let sent = 0;
  return () => bodies[sent++ % bodies.length]!;
}

function newPatients(count: number): string {
  return Array.from({ length: count }, () => JSON.stringify(patient(made++))).join('\n');
}
