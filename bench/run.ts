import { type BenchDatabase, openBenchDatabase } from './database.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { bareRequests, type PathName, productRequests, type Request, tokenRequest } from './paths.ts';
import {
  cpuSeconds,
  databaseCpuSeconds,
  type LoadGenerator,
  memoryMb,
  type Running,
  startBare,
  startLoadGenerator,
  startProduct,
} from './processes.ts';
import { type Measured, print } from './report.ts';
import { drawSample, type Sample } from './sample.ts';

const options = readOptions(process.argv.slice(2));
if (options.help) console.log(HELP);
else await bench(options);

async function bench(options: Options) {
  const undo: (() => unknown)[] = [];
  try {
    const database = await openBenchDatabase(options);
    undo.push(database.stop);
    const bare = await startBare(database);
    undo.push(bare.stop);
    const product = await startProduct(database, options);
    undo.push(product.stop);
    const load = startLoadGenerator();
    undo.push(load.stop);
    const memory = { start: memoryMb(product.pid, 'VmRSS') };
    const sample = await sampleOf(database);
    const measured: Measured[] = [];
    for (const path of options.paths) {
      for (const clients of options.clients) {
        measured.push(await measure({ database, bare, product, load, sample }, path, clients, options));
        console.error(`${path}, ${clients} clients: done`);
      }
    }
    print(measured, {
      ...database.loaded,
      ...memory,
      end: memoryMb(product.pid, 'VmRSS'),
      peak: memoryMb(product.pid, 'VmHWM'),
    });
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function sampleOf({ pool, loaded }: BenchDatabase): Promise<Sample> {
  const client = await pool.connect();
  try {
    return await drawSample(client, loaded.organisationId);
  } finally {
    client.release();
  }
}

type Parts = {
  database: BenchDatabase;
  bare: Running;
  product: Running;
  load: LoadGenerator;
  sample: Sample;
};

/** Bare, product, bare, product …: what else the machine does falls on both alike. */
async function measure(parts: Parts, path: PathName, clients: number, { rounds, seconds }: Options) {
  const { bare, product, sample } = parts;
  const fhirBase = `/organisations/${sample.organisationId}/fhir/R4`;
  const measured: Measured = { path, clients, bare: [], product: [] };
  for (let round = 0; round < rounds; round++) {
    const token = await tokenOf(product);
    const turns = { clients, seconds };
    measured.bare.push(await turn(parts, bare, bareRequests(path, sample), path, turns));
    const requests = productRequests(path, sample, fhirBase, token);
    measured.product.push(await turn(parts, product, requests, path, turns));
  }
  return measured;
}

async function turn(
  { database, load }: Parts,
  server: Running,
  requests: Request[],
  path: PathName,
  turns: { clients: number; seconds: number },
) {
  const cpu = () => ({
    server: cpuSeconds(server.pid) ?? Number.NaN,
    database: databaseCpuSeconds(database.postmasterPid!),
  });
  const before = cpu();
  const status = path === 'create' ? 201 : 200;
  const result = await load.turn({ origin: server.origin, requests, status, ...turns });
  const after = cpu();
  if (result.wrong > 0) {
    throw new Error(`${result.wrong} answers to ${path} were not ${status}: ${result.example}`);
  }
  // Process by process: one that ended meanwhile must not be taken off the others.
  const spent = [...(after.database ?? [])].map(([pid, s]) => s - (before.database?.get(pid) ?? 0));
  return {
    ...result,
    serverCpuS: after.server - before.server,
    databaseCpuS: after.database ? spent.reduce((sum, s) => sum + s, 0) : Number.NaN,
  };
}

/** Tokens live for five minutes; a turn takes seconds. */
async function tokenOf({ origin }: Running): Promise<string> {
  const { path, ...request } = tokenRequest();
  const answer = await fetch(origin + path, request);
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (!token) throw new Error(`no token: ${answer.status}`);
  return token;
}
